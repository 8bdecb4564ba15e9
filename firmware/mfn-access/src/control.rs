//! The access decision: who of those in front of the camera is let in, and why others are not.

use std::time::Duration;

use mfn_template::PersonId;

use crate::approach::Approach;
use crate::ballot::Ballot;
use crate::decision::{Decision, DenyReason, DoorCommand, Outcome, Status};
use crate::evidence::{Event, Face, FaceBox, Fault, Sighting};
use crate::policy::AccessPolicy;
use crate::report::{Denials, Report};
use crate::rules::{AccessRules, WeekMinute};

/// Whether decisions are taken at all.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Running,
    Failed(Fault),
    Down,
}

/// The state machine between the gallery's candidates and the door's command.
#[derive(Clone, Debug)]
pub struct AccessControl {
    policy: AccessPolicy,
    rules: AccessRules,
    mode: Mode,
    now: Duration,
    /// Number and capture time of the last frame that was evidence.
    last_frame: Option<(u64, Duration)>,
    approach: Option<Approach>,
    denials: Denials,
}

impl AccessControl {
    /// A machine that has seen nobody yet.
    #[must_use]
    pub fn new(policy: AccessPolicy, rules: AccessRules) -> AccessControl {
        AccessControl {
            policy,
            rules,
            mode: Mode::Running,
            now: Duration::ZERO,
            last_frame: None,
            approach: None,
            denials: Denials::default(),
        }
    }

    /// Replaces the policy (a threshold follows the size of the gallery) and voids the vote that runs.
    pub fn set_policy(&mut self, policy: AccessPolicy) {
        self.policy = policy;
        self.void();
    }

    /// Replaces the rules (people come and go) and voids the vote that runs.
    pub fn set_rules(&mut self, rules: AccessRules) {
        self.rules = rules;
        self.void();
    }

    /// Takes one event at the time `now` of a clock that never goes backwards; when it does
    /// nevertheless, all evidence is dropped and the door is told to close.
    pub fn step(&mut self, event: &Event, now: Duration) -> Outcome {
        let mut report = Report::new(now);
        if self.mode != Mode::Down {
            if now < self.now {
                self.rewind(&mut report);
            } else {
                self.take(event, now, &mut report);
            }
            self.now = now;
        }
        report.finish(self.status())
    }

    /// What a display shows now.
    #[must_use]
    pub fn status(&self) -> Status {
        let approach = match (self.mode, &self.approach) {
            (Mode::Down, _) => return Status::ShutDown,
            (Mode::Failed(fault), _) => return Status::Failed(fault),
            (Mode::Running, None) => return Status::Watching,
            (Mode::Running, Some(approach)) => approach,
        };
        match (approach.held_off(self.now), approach.vote.count(), approach.denied) {
            (Some((person, until)), _, _) => Status::HoldOff { person, until },
            (None, 0, None) => Status::Watching,
            (None, 0, Some(reason)) => Status::Denied(reason),
            (None, have, _) => Status::Voting { have, need: self.policy.votes },
        }
    }

    fn void(&mut self) {
        if let Some(approach) = &mut self.approach {
            approach.vote.clear();
        }
    }

    fn take(&mut self, event: &Event, now: Duration, report: &mut Report) {
        match event {
            Event::Frame(sighting) if self.is_evidence(sighting, now) => self.see(sighting, now, report),
            // No later frame can be older than this and still be evidence: who has not been seen for
            // the longest gap before it has left.
            Event::Frame(_) | Event::Tick => {
                self.end_if_gone(now.saturating_sub(self.policy.max_frame_age), report);
            }
            Event::Fault(fault) => self.fail(*fault, report),
            Event::Shutdown => {
                self.approach = None;
                self.mode = Mode::Down;
                report.shut_down();
            }
        }
    }

    /// A frame counts once, in order, while it is fresh, and when all its boxes are boxes.
    fn is_evidence(&self, sighting: &Sighting, now: Duration) -> bool {
        let in_order = self
            .last_frame
            .is_none_or(|(sequence, captured)| sighting.sequence > sequence && sighting.captured > captured);
        let age = now.checked_sub(sighting.captured);
        in_order
            && age.is_some_and(|age| age <= self.policy.max_frame_age)
            && sighting.faces.iter().all(|face| face.area.is_usable())
    }

    fn see(&mut self, sighting: &Sighting, now: Duration, report: &mut Report) {
        self.mode = Mode::Running;
        self.last_frame = Some((sighting.sequence, sighting.captured));
        self.end_if_gone(sighting.captured, report);
        let Some((asker, alone)) = nearest(&sighting.faces, self.policy.several_people_ratio) else {
            let window = self.policy.window;
            self.approach.iter_mut().for_each(|approach| approach.vote.push(Ballot::Absent, window));
            return;
        };
        if alone {
            self.follow(asker.area, sighting.captured, report);
            self.vote(asker, sighting.local_time, now, report);
        } else {
            self.crowd(asker.area, sighting.captured, now, report);
        }
    }

    /// Ends the approach when its face has not been seen for longer than the gap before `captured`.
    fn end_if_gone(&mut self, captured: Duration, report: &mut Report) {
        let gap = self.policy.max_frame_gap;
        if self.approach.as_ref().is_some_and(|approach| captured.saturating_sub(approach.seen) > gap) {
            self.end(report);
        }
    }

    fn end(&mut self, report: &mut Report) {
        let approach = self.approach.take();
        self.denials.forget_approach();
        if let Some(person) = approach.and_then(|approach| approach.vote.undecided()) {
            self.deny(DenyReason::VoteIncomplete(person), report);
        }
    }

    /// Goes on with the approach if this is its face, or else begins another.
    fn follow(&mut self, face: FaceBox, captured: Duration, report: &mut Report) {
        let (shift, growth) = (self.policy.max_shift, self.policy.max_growth);
        match &mut self.approach {
            Some(approach) if face.continues(&approach.face, shift, growth) => {
                approach.face = face;
                approach.seen = captured;
            }
            _ => {
                self.end(report);
                self.approach = Some(Approach::new(face, captured));
            }
        }
    }

    /// Several people contend: nobody's vote runs. The approach stays (and with it a hold-off), so that
    /// a nearest face that alternates between them is not a new approach in every frame.
    fn crowd(&mut self, face: FaceBox, captured: Duration, now: Duration, report: &mut Report) {
        let approach = self.approach.get_or_insert_with(|| Approach::new(face, captured));
        approach.face = face;
        approach.seen = captured;
        approach.vote.clear();
        if approach.held_off(now).is_none() {
            self.deny(DenyReason::SeveralPeople, report);
        }
    }

    /// Lets the asker's face vote.
    fn vote(&mut self, asker: &Face, time: Option<WeekMinute>, now: Duration, report: &mut Report) {
        let ballot = Ballot::cast(&asker.probe, &self.policy);
        let Some(approach) = &mut self.approach else { return };
        let denial = if let Some((person, _)) = approach.held_off(now) {
            held_off_denial(ballot, person)
        } else if let Some(person) = approach.vote.person().filter(|person| ballot.contradicts(*person)) {
            approach.vote.clear();
            Some(DenyReason::PersonChanged(person))
        } else {
            approach.vote.push(ballot, self.policy.window);
            match approach.vote.person() {
                Some(person) if approach.vote.count() >= self.policy.votes => {
                    return self.complete(person, time, now, report);
                }
                _ => approach.vote.refuse(self.policy.votes),
            }
        };
        if let Some(reason) = denial {
            self.deny(reason, report);
        }
    }

    /// Enough frames agree on the person: the rules have the last word.
    fn complete(&mut self, person: PersonId, time: Option<WeekMinute>, now: Duration, report: &mut Report) {
        let Some(approach) = &mut self.approach else { return };
        let (votes, similarity) = (approach.vote.count(), approach.vote.lowest());
        approach.vote.clear();
        if let Err(refusal) = self.rules.check(person, time) {
            return self.deny(DenyReason::Rule(person, refusal), report);
        }
        approach.held = Some((person, now.saturating_add(self.policy.hold_off)));
        approach.denied = None;
        report.decide(Decision::Grant { person, similarity, votes });
        report.door(DoorCommand::Open { pulse: self.policy.pulse() });
    }

    fn deny(&mut self, reason: DenyReason, report: &mut Report) {
        if let Some(approach) = &mut self.approach {
            approach.denied = Some(reason);
        }
        if self.denials.is_new(reason, report.now(), self.policy.denial_hold_off) {
            report.decide(Decision::Deny { reason });
        }
    }

    fn fail(&mut self, fault: Fault, report: &mut Report) {
        self.approach = None;
        self.denials.forget_approach();
        if self.mode != Mode::Failed(fault) {
            report.fail(fault);
        }
        self.mode = Mode::Failed(fault);
        report.door(DoorCommand::Close);
    }

    /// The clock went backwards: no time that was noted means anything any more.
    fn rewind(&mut self, report: &mut Report) {
        self.denials = Denials::default();
        self.last_frame = self.last_frame.map(|(sequence, _)| (sequence, Duration::ZERO));
        self.fail(Fault::Clock, report);
    }
}

/// A grant stands; only someone else in its approach is worth a word.
fn held_off_denial(ballot: Ballot, granted: PersonId) -> Option<DenyReason> {
    match ballot {
        Ballot::Vote { person, .. } if person != granted => Some(DenyReason::HoldOff(person)),
        _ => None,
    }
}

/// The largest face, and whether no other one is of comparable size.
fn nearest(faces: &[Face], several_people_ratio: f32) -> Option<(&Face, bool)> {
    let larger = |a: &(usize, &Face), b: &(usize, &Face)| a.1.area.area().total_cmp(&b.1.area.area());
    let (index, asker) = faces.iter().enumerate().max_by(larger)?;
    let limit = several_people_ratio * asker.area.area();
    let contends = |(other, face): (usize, &Face)| other != index && face.area.area() >= limit;
    Some((asker, !faces.iter().enumerate().any(contends)))
}
