//! One approach: a face that is followed from frame to frame, and the vote on who it is.

use std::collections::VecDeque;
use std::time::Duration;

use mfn_template::PersonId;

use crate::ballot::Ballot;
use crate::decision::DenyReason;
use crate::evidence::FaceBox;

/// Someone in front of the door, from the first frame until they left.
#[derive(Clone, Debug)]
pub(crate) struct Approach {
    /// Where the face was last.
    pub face: FaceBox,
    /// When the frame was captured that showed it last.
    pub seen: Duration,
    /// The vote that runs.
    pub vote: Vote,
    /// Who was let in and until when nobody else is.
    pub held: Option<(PersonId, Duration)>,
    /// The last denial, for the display.
    pub denied: Option<DenyReason>,
}

impl Approach {
    pub(crate) fn new(face: FaceBox, seen: Duration) -> Approach {
        Approach { face, seen, vote: Vote::default(), held: None, denied: None }
    }

    /// Who was let in, while the hold-off after it lasts.
    pub(crate) fn held_off(&self, now: Duration) -> Option<(PersonId, Duration)> {
        self.held.filter(|(_, until)| now < *until)
    }
}

/// The ballots of the last frames. All its votes are for one person: a contradiction empties it first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vote {
    ballots: VecDeque<Ballot>,
    /// The last voted for, until the vote is decided or void: the votes themselves age out of the window
    /// before someone who left is missed.
    undecided: Option<PersonId>,
}

impl Vote {
    /// Adds the newest ballot and forgets those older than the last `window`.
    pub(crate) fn push(&mut self, ballot: Ballot, window: usize) {
        if let Ballot::Vote { person, .. } = ballot {
            self.undecided = Some(person);
        }
        self.ballots.push_back(ballot);
        while self.ballots.len() > window {
            self.ballots.pop_front();
        }
    }

    /// Starts again from zero.
    pub(crate) fn clear(&mut self) {
        self.ballots.clear();
        self.undecided = None;
    }

    /// For whom a vote began that has come to no end.
    pub(crate) fn undecided(&self) -> Option<PersonId> {
        self.undecided
    }

    /// How many frames voted.
    pub(crate) fn count(&self) -> usize {
        self.votes().count()
    }

    /// Whom they voted for.
    pub(crate) fn person(&self) -> Option<PersonId> {
        self.votes().next().map(|(person, _)| person)
    }

    /// The lowest similarity among the votes; 1 when there are none.
    pub(crate) fn lowest(&self) -> f32 {
        self.votes().fold(1.0, |lowest, (_, similarity)| lowest.min(similarity))
    }

    /// Comes to a refusal: the most frequent reason of at least `enough` ballots without any vote among
    /// them, the newest of equally frequent ones.
    pub(crate) fn refuse(&mut self, enough: usize) -> Option<DenyReason> {
        let ballots = &self.ballots;
        let reasons = || {
            ballots.iter().filter_map(|ballot| match ballot {
                Ballot::Refused(reason) => Some(*reason),
                _ => None,
            })
        };
        let frequency = |reason: &DenyReason| reasons().filter(|other| other == reason).count();
        if self.count() > 0 || reasons().count() < enough {
            return None;
        }
        let refusal = reasons().max_by_key(frequency);
        self.undecided = None;
        refusal
    }

    fn votes(&self) -> impl Iterator<Item = (PersonId, f32)> {
        self.ballots.iter().filter_map(|ballot| match *ballot {
            Ballot::Vote { person, similarity } => Some((person, similarity)),
            _ => None,
        })
    }
}
