//! The access decision: pure state machines without clock or I/O.

mod approach;
mod ballot;
mod contact;
mod control;
mod debounce;
mod decision;
mod door;
mod door_machine;
mod door_policy;
mod evidence;
mod policy;
mod report;
mod rules;

pub use control::AccessControl;
pub use decision::{Audit, AuditEvent, Decision, DenyReason, DoorCommand, Outcome, Status};
pub use door::{DoorEvent, DoorInput, DoorOutput, Line};
pub use door_machine::DoorMachine;
pub use door_policy::{DoorPolicy, DoorSettings};
pub use evidence::{Event, Face, FaceBox, Fault, Probe, QualityIssue, Sighting};
pub use policy::{AccessPolicy, AccessSettings, PolicyError, Pulse};
pub use rules::{AccessRules, GroupId, PersonRule, RuleRefusal, Schedule, WeekMinute, Window};
