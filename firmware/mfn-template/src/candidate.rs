//! Who a probe may be: the gallery's answer, and the access rules' evidence.

use std::fmt;

/// Names one enrolled person for as long as the gallery lives; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub u64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One person of the gallery with the similarity of their best template to the probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The person.
    pub person: PersonId,
    /// Cosine similarity, -1 to 1.
    pub similarity: f32,
}

/// The best candidates of one probe, most similar first, each person once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates(pub Vec<Candidate>);

impl Candidates {
    /// The most similar person.
    #[must_use]
    pub fn best(&self) -> Option<Candidate> {
        self.0.first().copied()
    }

    /// How far the best person is ahead of the next one; ahead of -1 when there is no other.
    #[must_use]
    pub fn margin(&self) -> Option<f32> {
        let best = self.0.first()?.similarity;
        Some(best - self.0.get(1).map_or(-1.0, |next| next.similarity))
    }
}
