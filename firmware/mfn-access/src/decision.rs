//! What comes out: decisions with their reasons, door commands, audit events and the display's status.

use std::fmt;
use std::time::Duration;

use mfn_template::PersonId;

use crate::evidence::{Fault, QualityIssue};
use crate::policy::Pulse;
use crate::rules::RuleRefusal;

/// Why nobody was let in. The table in the crate's documentation says when each is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenyReason {
    /// Like nobody in the gallery: the honest unknown.
    Unknown,
    /// Nearly like this person, but under the threshold.
    BelowThreshold(PersonId),
    /// Over the threshold for the first, with the second too close behind.
    Ambiguous(PersonId, PersonId),
    /// The face could not be compared, for this reason.
    PoorQuality(QualityIssue),
    /// The recogniser gave no usable template or similarity.
    NoTemplate,
    /// Another face of comparable size is in view.
    SeveralPeople,
    /// The vote had begun for this person, then the face became somebody else's.
    PersonChanged(PersonId),
    /// The vote had begun for this person, who then left.
    VoteIncomplete(PersonId),
    /// Recognised, but the rules do not let this person in now.
    Rule(PersonId, RuleRefusal),
    /// This other person stands where someone was just let in; wait, or step back and come again.
    HoldOff(PersonId),
}

impl DenyReason {
    /// Whether one frame is enough for it, so that it must be limited over all approaches.
    pub(crate) fn is_instant(self) -> bool {
        use DenyReason::{HoldOff, PersonChanged, SeveralPeople, VoteIncomplete};
        matches!(self, SeveralPeople | PersonChanged(_) | VoteIncomplete(_) | HoldOff(_))
    }
}

impl fmt::Display for DenyReason {
    /// One line for a log or a display; people appear by number only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DenyReason::Unknown => f.write_str("unknown person"),
            DenyReason::BelowThreshold(person) => write!(f, "similarity to {person} below the threshold"),
            DenyReason::Ambiguous(best, next) => write!(f, "ambiguous between {best} and {next}"),
            DenyReason::PoorQuality(issue) => write!(f, "poor quality: {issue}"),
            DenyReason::NoTemplate => f.write_str("no template of the face"),
            DenyReason::SeveralPeople => f.write_str("several people in view"),
            DenyReason::PersonChanged(person) => write!(f, "person changed, was {person}"),
            DenyReason::VoteIncomplete(person) => write!(f, "{person} left before the vote was complete"),
            DenyReason::Rule(person, refusal) => write!(f, "{person} {refusal}"),
            DenyReason::HoldOff(person) => write!(f, "{person} must wait: hold-off after a grant"),
        }
    }
}

impl fmt::Display for QualityIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QualityIssue::TooSmall => "face too small",
            QualityIssue::TurnedAway => "face turned away",
            QualityIssue::Blurred => "face blurred",
            QualityIssue::TooDark => "face too dark",
            QualityIssue::TooBright => "face too bright",
        })
    }
}

/// The answer to one approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Let this person in.
    Grant {
        /// Who.
        person: PersonId,
        /// The lowest similarity of the frames that voted: each was at least this.
        similarity: f32,
        /// How many frames voted for the person.
        votes: usize,
    },
    /// Let nobody in.
    Deny {
        /// Why.
        reason: DenyReason,
    },
}

/// What the door's process is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorCommand {
    /// Release the door for this long.
    Open {
        /// How long.
        pulse: Pulse,
    },
    /// Close now, whatever pulse is running.
    Close,
}

/// One line of the audit log, as data; the binary writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuditEvent {
    /// When, on the clock of `now`.
    pub at: Duration,
    /// What happened, to whom and why.
    pub what: Audit,
}

/// What the audit log tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Audit {
    /// Somebody was let in or turned away.
    Decided(Decision),
    /// Something failed.
    Failed(Fault),
    /// The kiosk ended.
    ShutDown,
}

/// What a display shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Status {
    /// Nobody has been recognised in this approach yet, or nobody is there.
    Watching,
    /// The vote for one person runs.
    Voting {
        /// Frames that agree.
        have: usize,
        /// Frames that must agree.
        need: usize,
    },
    /// The last vote of this approach was turned down.
    Denied(DenyReason),
    /// Someone was let in; nobody else is in this approach until then.
    HoldOff {
        /// Who was let in.
        person: PersonId,
        /// When the next vote may begin, unless the person leaves first.
        until: Duration,
    },
    /// Something failed; the next frame starts anew.
    Failed(Fault),
    /// The kiosk has ended.
    ShutDown,
}

/// The answer to one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The decision that was taken now, if any; when two were (one left, the next was let in), the last.
    pub decision: Option<Decision>,
    /// What to tell the door, if anything.
    pub door: Option<DoorCommand>,
    /// What to write into the audit log, oldest first; nearly always empty.
    pub audit: Vec<AuditEvent>,
    /// What to show from now on.
    pub status: Status,
}
