//! The door's own state machine: when its line is on, and what must never keep it on.

use std::time::Duration;

use crate::contact::Contact;
use crate::debounce::Debounce;
use crate::decision::DoorCommand;
use crate::door::{DoorEvent, DoorInput, DoorOutput, Line};
use crate::door_policy::DoorPolicy;
use crate::evidence::Fault;
use crate::policy::Pulse;

/// A pulse on command; commands that follow each other lengthen it up to the longest pulse.
#[derive(Clone, Copy, Debug)]
struct GrantPulse {
    since: Duration,
    until: Duration,
}

/// Decides what the door's line is, from inputs and the time alone.
#[derive(Clone, Debug)]
pub struct DoorMachine {
    policy: DoorPolicy,
    now: Duration,
    shut_down: bool,
    /// The last heartbeat; none while the kiosk is not known to be alive and well.
    heartbeat: Option<Duration>,
    /// The fault since the last heartbeat, so that it is reported once.
    fault: Option<Fault>,
    grant: Option<GrantPulse>,
    /// End of the pulse of the last request to exit.
    exit: Option<Duration>,
    /// When the last pulse on command ended.
    rest_since: Option<Duration>,
    /// Until when an opening door was released, not counting the grace.
    released_until: Option<Duration>,
    button: Debounce,
    contact: Contact,
    events: Vec<DoorEvent>,
}

impl DoorMachine {
    /// A machine with its line off, and no kiosk yet.
    #[must_use]
    pub fn new(policy: DoorPolicy, now: Duration) -> DoorMachine {
        DoorMachine {
            policy,
            now,
            shut_down: false,
            heartbeat: None,
            fault: None,
            grant: None,
            exit: None,
            rest_since: None,
            released_until: None,
            button: Debounce::default(),
            contact: Contact::default(),
            events: Vec::new(),
        }
    }

    /// Takes one input at the time `now` of a clock that never goes backwards; when it does
    /// nevertheless, the line goes off and the kiosk must show anew that it is alive.
    pub fn step(&mut self, input: DoorInput, now: Duration) -> DoorOutput {
        if !self.shut_down {
            // As the line was set by the last step, whatever time has passed since.
            let was_on = self.line() == Line::On;
            self.pass_time(now);
            self.take(input);
            self.serve_exit();
            self.note_line(was_on);
        }
        DoorOutput { line: self.line(), next: self.next(), events: std::mem::take(&mut self.events) }
    }

    /// What the line must be, as of the last step.
    #[must_use]
    pub fn line(&self) -> Line {
        if self.now < self.off_at() { Line::On } else { Line::Off }
    }

    /// When the line goes off if nothing else happens; zero when nothing keeps it on.
    fn off_at(&self) -> Duration {
        let grant = self.grant.map_or(Duration::ZERO, |pulse| pulse.until);
        grant.max(self.exit.unwrap_or_default())
    }

    /// Does what is due by `now`, before the input is looked at.
    fn pass_time(&mut self, now: Duration) {
        let backwards = now < self.now;
        self.now = now;
        if backwards {
            self.rewind();
        }
        if self.heartbeat_due().is_some_and(|due| now >= due) {
            self.lose_kiosk();
        }
        if self.grant.is_some_and(|pulse| now >= pulse.until) {
            self.end_grant();
        }
        self.exit = self.exit.filter(|until| now < *until);
        self.serve_exit();
        let held = self.contact.pass_time(now, self.policy.held_after);
        self.events.extend(held);
    }

    fn take(&mut self, input: DoorInput) {
        match input {
            DoorInput::Command(DoorCommand::Open { pulse }) => self.open(pulse),
            DoorInput::Command(DoorCommand::Close) => self.end_grant(),
            DoorInput::Heartbeat => self.beat(),
            DoorInput::ExitButton { pressed } => self.button.read(pressed, self.now),
            DoorInput::Contact { open } => {
                let told = self.contact.read(open, self.is_released(), self.now);
                self.events.extend(told);
            }
            DoorInput::Fault(fault) => self.fail(fault),
            DoorInput::KioskGone => self.lose_kiosk(),
            DoorInput::Tick => {}
            DoorInput::Shutdown => self.shut_down(),
        }
    }

    fn open(&mut self, pulse: Pulse) {
        let now = self.now;
        let resting = self.rest_since.is_some_and(|since| now < since.saturating_add(self.policy.rest));
        if self.heartbeat.is_none() || resting {
            return self.events.push(DoorEvent::CommandRefused);
        }
        let GrantPulse { since, until } = self.grant.unwrap_or(GrantPulse { since: now, until: now });
        let latest = since.saturating_add(self.policy.max_pulse);
        let until = until.max(now.saturating_add(pulse.get()).min(latest));
        self.grant = Some(GrantPulse { since, until });
        self.events.push(DoorEvent::Granted);
    }

    /// Ends a pulse on command and begins the rest. A request to exit goes on: it has its own end.
    fn end_grant(&mut self) {
        if self.grant.take().is_some() {
            self.rest_since = Some(self.now);
        }
    }

    fn beat(&mut self) {
        if self.heartbeat.replace(self.now).is_none() {
            self.events.push(DoorEvent::KioskAlive);
        }
        self.fault = None;
    }

    fn lose_kiosk(&mut self) {
        if self.heartbeat.take().is_some() {
            self.events.push(DoorEvent::KioskLost);
        }
        self.end_grant();
    }

    /// Nothing is opened on command until the kiosk says again that it is well.
    fn fail(&mut self, fault: Fault) {
        self.heartbeat = None;
        self.end_grant();
        if self.fault.replace(fault) != Some(fault) {
            self.events.push(DoorEvent::Failed(fault));
        }
    }

    fn shut_down(&mut self) {
        self.end_grant();
        self.exit = None;
        self.shut_down = true;
        self.events.push(DoorEvent::ShutDown);
    }

    /// The clock went backwards: no time that was noted means anything any more. The button does.
    fn rewind(&mut self) {
        self.exit = None;
        self.end_grant();
        self.fail(Fault::Clock);
        self.rest_since = Some(self.now);
        self.released_until = self.released_until.min(Some(self.now));
        self.button.restart(self.now);
        self.contact.restart(self.now);
    }

    /// A request to exit is served whatever else is the case; every press begins a pulse of its own.
    fn serve_exit(&mut self) {
        if !self.shut_down && self.button.settle(self.now, self.policy.debounce) {
            self.exit = Some(self.now.saturating_add(self.policy.exit_pulse));
            self.events.push(DoorEvent::ExitServed);
        }
    }

    fn note_line(&mut self, was_on: bool) {
        if self.line() == Line::On {
            self.released_until = Some(self.off_at());
        } else if was_on {
            self.released_until = self.released_until.min(Some(self.now));
            self.events.push(DoorEvent::LineOff);
        }
    }

    fn is_released(&self) -> bool {
        let grace = self.policy.grace;
        self.line() == Line::On
            || self.released_until.is_some_and(|until| self.now <= until.saturating_add(grace))
    }

    fn heartbeat_due(&self) -> Option<Duration> {
        self.heartbeat.map(|last| last.saturating_add(self.policy.heartbeat_timeout))
    }

    fn next(&self) -> Option<Duration> {
        if self.shut_down {
            return None;
        }
        let grant = self.grant.map(|pulse| pulse.until);
        let button = self.button.next(self.policy.debounce);
        let held = self.contact.next(self.policy.held_after);
        [grant, self.exit, self.heartbeat_due(), button, held].into_iter().flatten().min()
    }
}
