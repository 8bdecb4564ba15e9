//! The access decision and the door: two pure state machines without clock, I/O, threads or logging.
//! Time is a parameter (`now`, on a clock that never goes backwards); what happened goes in as an event,
//! what to do about it comes out as data. Knows identities and similarities, nothing of images.
//!
//! - [`AccessControl`] runs in the kiosk: all faces of each processed frame in, decisions out.
//! - [`DoorMachine`] runs in the door's own process: commands, heartbeats, exit button and door contact
//!   in, the state of the line out. It trusts neither the kiosk nor the clock.
//!
//! # The access decision
//! ```text
//!               a face                  a vote                 k of the last n, and the rules allow
//!   [Watching] ---------> [vote at zero] ---------> [Voting] ------------------------> [HoldOff]
//!       ^                   |      ^                 |    |      grant, door opens      |    |
//!       |                   |      |<----------------'    |                             |    |
//!       |                   |      | another person, unknown, several people,           |    |
//!       |                   |      | rules refuse         |                             |    |
//!       |                   |      '----------------------|-- hold-off is over ---------'    |
//!       |                   v                             v                                  v
//!       '------------------------------------------------------------------------------------'
//!         the approach ends: no face for longer than the gap, or the face jumped
//!
//!   any state -- fault, clock backwards --> [Failed] -- next frame --> [Watching]   door closes
//!   any state -- shutdown ----------------> [ShutDown] for good                     door closes
//! ```
//! The nearest (largest) face asks. A frame is evidence once, in order, while it is fresh and all its
//! boxes are usable. It is a vote for a person when the similarity is at least the threshold and at least
//! the margin ahead of the next person. Frames that cannot tell (no face for a moment, poor quality,
//! nearly the same person) take a place among the last n, but neither vote nor void. A grant needs a vote
//! in the very frame that it is taken on.
//!
//! | reason | given when | the vote |
//! | --- | --- | --- |
//! | [`Unknown`](DenyReason::Unknown) | best similarity is more than `near_miss` under the threshold, or nobody is enrolled | is not begun |
//! | [`BelowThreshold`](DenyReason::BelowThreshold) | best similarity is at most `near_miss` under the threshold | is not begun |
//! | [`Ambiguous`](DenyReason::Ambiguous) | over the threshold, but the next person is closer than the margin | is not begun |
//! | [`PoorQuality`](DenyReason::PoorQuality) | the quality check refused the face and said why | is not begun |
//! | [`NoTemplate`](DenyReason::NoTemplate) | the face was not compared, or a similarity is no cosine (NaN, infinite, over 1) | is not begun |
//! | [`SeveralPeople`](DenyReason::SeveralPeople) | another face has at least `several_people_ratio` of the nearest one's area | void, until they part |
//! | [`PersonChanged`](DenyReason::PersonChanged) | votes for one person are followed by another person or an unknown | void, from zero |
//! | [`VoteIncomplete`](DenyReason::VoteIncomplete) | someone with a vote left, or the face jumped | ends |
//! | [`Rule`](DenyReason::Rule) | k votes, but the person is disabled, outside the schedule or in no rule | void, from zero |
//! | [`HoldOff`](DenyReason::HoldOff) | another person stands where someone was just let in | does not run |
//!
//! The first five are told when at least k of the last n frames are refusals and none is a vote; the most
//! frequent one is named. The same denial is told once within `denial_hold_off`: of one approach for the
//! reasons that take k frames, over all approaches for those that a single frame gives.
//!
//! # The door
//! ```text
//!                 open, kiosk alive and rested          end of pulse, close, fault,
//!                                                       kiosk lost, clock backwards
//!   [line off] ----------------------------> [granted] -----------------------------> [line off, rest]
//!        \                                        a further open lengthens the pulse, up to max_pulse
//!         '--- exit pressed, in every state --> [exit] -- end of exit_pulse, clock backwards --> [line off]
//!
//!   any state -- shutdown --> line off for good
//! ```
//! The line is on while one of the two pulses runs. What must hold, and the property tests check:
//! - The line is off at start, and on only within a pulse. Deadlines are absolute; commands never keep it
//!   on for longer than `max_pulse`, and between two pulses on command lies the `rest`.
//! - A fault, a lost kiosk, `Close` and shutdown end a pulse on command at once. After a fault or a
//!   silence nothing is opened on command until the next heartbeat.
//! - A request to exit is served in every state but after shutdown, with a pulse of its own that only its
//!   deadline, shutdown and a clock that goes backwards end. A stuck button is one press.
//! - A clock that goes backwards turns the line off; one that jumps ahead finds every deadline over.
//!
//! The way out of a real door must be wired so that it needs no computer: all of this is beside that.

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
