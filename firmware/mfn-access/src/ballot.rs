//! One frame's say about one face: a vote for a person, or the reason why it is none.

use mfn_template::{Candidates, PersonId};

use crate::decision::DenyReason;
use crate::evidence::Probe;
use crate::policy::AccessPolicy;

/// Rounding allowance over the mathematical bounds of a cosine; int8 templates need the most.
const COSINE_LIMIT: f32 = 1.01;

/// What one frame says about the asker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ballot {
    /// This person: over the threshold and clear of the next.
    Vote { person: PersonId, similarity: f32 },
    /// No vote, for this reason.
    Refused(DenyReason),
    /// No face in the frame.
    Absent,
}

impl Ballot {
    /// Judges a face. Similarities that are no cosines (NaN, infinite, over 1) never vote.
    pub(crate) fn cast(probe: &Probe, policy: &AccessPolicy) -> Ballot {
        match probe {
            Probe::Compared(candidates) => judge(candidates, policy),
            Probe::Poor(issue) => Ballot::Refused(DenyReason::PoorQuality(*issue)),
            Probe::Missing => Ballot::Refused(DenyReason::NoTemplate),
        }
    }

    /// Whether the frame shows somebody other than `person`, and is not just too weak to tell.
    pub(crate) fn contradicts(&self, person: PersonId) -> bool {
        match *self {
            Ballot::Vote { person: other, .. } => other != person,
            Ballot::Refused(DenyReason::BelowThreshold(nearest)) => nearest != person,
            Ballot::Refused(DenyReason::Ambiguous(best, next)) => best != person && next != person,
            Ballot::Refused(DenyReason::Unknown) => true,
            Ballot::Refused(_) | Ballot::Absent => false,
        }
    }
}

fn judge(candidates: &Candidates, policy: &AccessPolicy) -> Ballot {
    let cosine = |similarity: f32| similarity.abs() <= COSINE_LIMIT;
    if !candidates.0.iter().all(|candidate| cosine(candidate.similarity)) {
        return Ballot::Refused(DenyReason::NoTemplate);
    }
    // Neither the order nor the uniqueness of people is taken on trust here: the door depends on it.
    let Some(best) = best_except(candidates, None) else { return Ballot::Refused(DenyReason::Unknown) };
    let next = best_except(candidates, Some(best.0));
    let (person, similarity) = best;
    match next {
        _ if similarity < policy.threshold - policy.near_miss => Ballot::Refused(DenyReason::Unknown),
        _ if similarity < policy.threshold => Ballot::Refused(DenyReason::BelowThreshold(person)),
        Some((other, second)) if similarity - second < policy.margin => {
            Ballot::Refused(DenyReason::Ambiguous(person, other))
        }
        _ => Ballot::Vote { person, similarity },
    }
}

/// The most similar person, leaving one out; the first one of equals.
fn best_except(candidates: &Candidates, left_out: Option<PersonId>) -> Option<(PersonId, f32)> {
    let others = candidates.0.iter().filter(|candidate| Some(candidate.person) != left_out);
    others
        .map(|candidate| (candidate.person, candidate.similarity))
        .reduce(|best, candidate| if candidate.1 > best.1 { candidate } else { best })
}
