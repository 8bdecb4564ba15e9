//! A door with its people as a script: faces by person and place, ten frames a second.

use std::time::Duration;

use mfn_access::{
    AccessControl, AccessPolicy, AccessRules, AccessSettings, Decision, DenyReason, Event, Face, FaceBox,
    Outcome, Probe, QualityIssue, Sighting, WeekMinute,
};
use mfn_template::{Candidate, Candidates, PersonId};

pub const ANNA: PersonId = PersonId(1);
pub const BEN: PersonId = PersonId(2);

/// Time from one frame to the next.
pub const FRAME: Duration = Duration::from_millis(100);

/// A face in the middle of the picture that is like these people.
pub fn like(similarities: &[(PersonId, f32)]) -> Face {
    let candidate = |&(person, similarity): &(PersonId, f32)| Candidate { person, similarity };
    let probe = Probe::Compared(Candidates(similarities.iter().map(candidate).collect()));
    Face { area: FaceBox { x: 0.4, y: 0.3, width: 0.2, height: 0.3 }, probe }
}

pub fn anna() -> Face {
    like(&[(ANNA, 0.7), (BEN, 0.1)])
}

pub fn ben() -> Face {
    like(&[(BEN, 0.65), (ANNA, 0.1)])
}

pub fn stranger() -> Face {
    like(&[(BEN, 0.15), (ANNA, 0.1)])
}

pub fn poor(issue: QualityIssue) -> Face {
    Face { probe: Probe::Poor(issue), ..anna() }
}

/// The same face elsewhere.
pub fn at(x: f32, face: Face) -> Face {
    Face { area: FaceBox { x, ..face.area }, ..face }
}

/// The same face larger or smaller about its centre.
pub fn scaled(scale: f32, face: Face) -> Face {
    let FaceBox { x, y, width, height } = face.area;
    let (dx, dy) = (width * (1.0 - scale) / 2.0, height * (1.0 - scale) / 2.0);
    let area = FaceBox { x: x + dx, y: y + dy, width: width * scale, height: height * scale };
    Face { area, ..face }
}

pub fn deny(reason: DenyReason) -> Option<Decision> {
    Some(Decision::Deny { reason })
}

pub fn granted(outcome: &Outcome) -> Option<PersonId> {
    match outcome.decision {
        Some(Decision::Grant { person, .. }) => Some(person),
        _ => None,
    }
}

/// The kiosk's view of a door: a machine, a clock, and a camera that numbers its frames.
pub struct Scene {
    pub control: AccessControl,
    pub now: Duration,
    pub sequence: u64,
    pub local_time: Option<WeekMinute>,
}

impl Scene {
    /// Anna and Ben may come in at any time.
    pub fn new() -> Scene {
        Scene::with(AccessSettings::default(), AccessRules::always([ANNA, BEN]))
    }

    pub fn with(settings: AccessSettings, rules: AccessRules) -> Scene {
        let policy = AccessPolicy::new(settings).expect("valid settings");
        let control = AccessControl::new(policy, rules);
        Scene { control, now: Duration::from_secs(1000), sequence: 0, local_time: None }
    }

    /// The next frame, a tenth of a second later, just captured.
    pub fn see(&mut self, faces: &[Face]) -> Outcome {
        self.now += FRAME;
        self.sequence += 1;
        let sighting = self.sighting(faces);
        self.control.step(&Event::Frame(sighting), self.now)
    }

    /// A frame as it would be captured now.
    pub fn sighting(&self, faces: &[Face]) -> Sighting {
        Sighting {
            sequence: self.sequence,
            captured: self.now,
            local_time: self.local_time,
            faces: faces.to_vec(),
        }
    }

    /// The same faces in several frames: all decisions that were taken.
    pub fn watch(&mut self, frames: usize, faces: &[Face]) -> Vec<Decision> {
        (0..frames).filter_map(|_| self.see(faces).decision).collect()
    }

    /// Nothing but time for so long.
    pub fn wait(&mut self, time: Duration) -> Outcome {
        self.now += time;
        self.control.step(&Event::Tick, self.now)
    }
}
