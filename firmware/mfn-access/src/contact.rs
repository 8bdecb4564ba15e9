//! The door contact: tells a door that was forced, and one that is held open.

use std::time::Duration;

use crate::door::DoorEvent;

/// What the contact showed last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Contact {
    /// Nothing yet: a door that stands open at start was not forced.
    #[default]
    Unknown,
    /// The door is closed.
    Closed,
    /// The door stands open.
    Open { since: Duration, forced: bool, held: bool },
}

impl Contact {
    /// Notes what the contact shows; `released` says whether the door may be opened now.
    pub(crate) fn read(&mut self, open: bool, released: bool, now: Duration) -> Option<DoorEvent> {
        let before = *self;
        match (before, open) {
            (Contact::Open { .. }, true) => return None,
            (_, false) => *self = Contact::Closed,
            (Contact::Unknown | Contact::Closed, true) => {
                let forced = matches!(before, Contact::Closed) && !released;
                *self = Contact::Open { since: now, forced, held: false };
                return forced.then_some(DoorEvent::Forced);
            }
        }
        let alarm = matches!(before, Contact::Open { forced, held, .. } if forced || held);
        alarm.then_some(DoorEvent::Secured)
    }

    /// Tells once that the door has stood open for `limit`.
    pub(crate) fn pass_time(&mut self, now: Duration, limit: Duration) -> Option<DoorEvent> {
        let due = self.next(limit)?;
        if let Contact::Open { held, .. } = self
            && now >= due
        {
            *held = true;
            return Some(DoorEvent::Held);
        }
        None
    }

    /// When the door will have stood open for `limit`, unless that was told already.
    pub(crate) fn next(&self, limit: Duration) -> Option<Duration> {
        match self {
            Contact::Open { since, held: false, .. } => Some(since.saturating_add(limit)),
            _ => None,
        }
    }

    /// Starts waiting anew, after the clock went backwards.
    pub(crate) fn restart(&mut self, now: Duration) {
        if let Contact::Open { since, .. } = self {
            *since = now;
        }
    }
}
