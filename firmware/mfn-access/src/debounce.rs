//! A button whose contacts bounce: it changes when it has stayed changed for long enough.

use std::time::Duration;

/// A button that was released for as long as anyone knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Debounce {
    raw: bool,
    changed: Duration,
    stable: bool,
}

impl Debounce {
    /// Notes what is read now. Call [`settle`](Debounce::settle) for the time before it first.
    pub(crate) fn read(&mut self, pressed: bool, now: Duration) {
        if pressed != self.raw {
            self.raw = pressed;
            self.changed = now;
        }
    }

    /// Whether the button has become pressed for certain by now, told once a press.
    pub(crate) fn settle(&mut self, now: Duration, time: Duration) -> bool {
        let settled = self.raw != self.stable && now >= self.due(time);
        if settled {
            self.stable = self.raw;
        }
        settled && self.stable
    }

    /// When the next change will be certain, if one is under way.
    pub(crate) fn next(&self, time: Duration) -> Option<Duration> {
        (self.raw != self.stable).then(|| self.due(time))
    }

    /// Starts waiting anew, after the clock went backwards.
    pub(crate) fn restart(&mut self, now: Duration) {
        self.changed = now;
    }

    fn due(&self, time: Duration) -> Duration {
        self.changed.saturating_add(time)
    }
}
