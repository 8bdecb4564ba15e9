//! Collects what one step says, and keeps denials from being said again and again.

use std::time::Duration;

use crate::decision::{Audit, AuditEvent, Decision, DenyReason, DoorCommand, Outcome, Status};
use crate::evidence::Fault;

/// The outcome of a step while it is being made.
#[derive(Debug)]
pub(crate) struct Report {
    now: Duration,
    decision: Option<Decision>,
    door: Option<DoorCommand>,
    audit: Vec<AuditEvent>,
}

impl Report {
    pub(crate) fn new(now: Duration) -> Report {
        Report { now, decision: None, door: None, audit: Vec::new() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn decide(&mut self, decision: Decision) {
        self.decision = Some(decision);
        self.note(Audit::Decided(decision));
    }

    pub(crate) fn door(&mut self, command: DoorCommand) {
        self.door = Some(command);
    }

    pub(crate) fn fail(&mut self, fault: Fault) {
        self.note(Audit::Failed(fault));
    }

    pub(crate) fn shut_down(&mut self) {
        self.note(Audit::ShutDown);
        self.door(DoorCommand::Close);
    }

    pub(crate) fn finish(self, status: Status) -> Outcome {
        Outcome { decision: self.decision, door: self.door, audit: self.audit, status }
    }

    fn note(&mut self, what: Audit) {
        self.audit.push(AuditEvent { at: self.now, what });
    }
}

/// The denials of the last while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials(Vec<(DenyReason, Duration)>);

impl Denials {
    /// Notes a denial; false when the same one was noted less than `hold_off` ago.
    pub(crate) fn is_new(&mut self, reason: DenyReason, now: Duration, hold_off: Duration) -> bool {
        self.0.retain(|(_, at)| now.saturating_sub(*at) < hold_off);
        let new = self.0.iter().all(|(noted, _)| *noted != reason);
        if new {
            self.0.push((reason, now));
        }
        new
    }

    /// The next person gets an answer of their own. Reasons that a single frame gives stay limited, or
    /// else faces that jump about would fill the log.
    pub(crate) fn forget_approach(&mut self) {
        self.0.retain(|(reason, _)| reason.is_instant());
    }
}
