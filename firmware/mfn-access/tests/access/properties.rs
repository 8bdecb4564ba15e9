//! Properties over arbitrary event sequences.

use std::time::Duration;

use mfn_access::{
    AccessControl, AccessPolicy, AccessRules, AccessSettings, Audit, Decision, DenyReason, DoorCommand,
    Event, Face, FaceBox, Fault, Outcome, PersonRule, Probe, QualityIssue, Sighting, Status,
};
use mfn_template::{Candidate, Candidates, PersonId};
use proptest::prelude::*;

use crate::scene::{ANNA, BEN, FRAME, granted};
use crate::spec::{History, objection};

/// Numbers of all kinds, most of them near the limits that matter.
fn similarity() -> impl Strategy<Value = f32> {
    let odd = prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 7.0, -0.0]);
    prop_oneof![20 => 0.2f32..0.9, 4 => Just(0.4f32), 1 => odd]
}

fn person() -> impl Strategy<Value = PersonId> {
    prop_oneof![8 => Just(ANNA), 3 => Just(BEN), 1 => Just(PersonId(3))]
}

fn probe() -> impl Strategy<Value = Probe> {
    let clear = person().prop_map(|person| vec![Candidate { person, similarity: 0.8 }]);
    let candidate =
        (person(), similarity()).prop_map(|(person, similarity)| Candidate { person, similarity });
    let any = prop::collection::vec(candidate, 0..4);
    prop_oneof![
        12 => clear.prop_map(|list| Probe::Compared(Candidates(list))),
        4 => any.prop_map(|list| Probe::Compared(Candidates(list))),
        1 => Just(Probe::Poor(QualityIssue::Blurred)),
        1 => Just(Probe::Missing),
    ]
}

fn face() -> impl Strategy<Value = Face> {
    let x = prop_oneof![20 => 0.35f32..0.45, 2 => 0.0f32..1.0, 1 => Just(f32::NAN)];
    let size = prop_oneof![20 => 0.2f32..0.22, 2 => 0.05f32..0.5];
    let area = (x, size).prop_map(|(x, size)| FaceBox { x, y: 0.3, width: size, height: size });
    (area, probe()).prop_map(|(area, probe)| Face { area, probe })
}

/// What happens next: kind of event, time until it, age of its frame, and by how much frames are numbered.
#[derive(Clone, Debug)]
enum Beat {
    Frame { faces: Vec<Face>, after: u64, age: u64, number: u64 },
    Tick { after: u64 },
    Back { by: u64 },
    Fault,
    Shutdown,
}

fn beat() -> impl Strategy<Value = Beat> {
    let count = prop_oneof![16 => Just(1usize), 1 => Just(0), 1 => Just(2)];
    let faces = count.prop_flat_map(|count| prop::collection::vec(face(), count));
    let after = prop_oneof![12 => 50u64..200, 1 => 0u64..2500];
    let age = prop_oneof![12 => 0u64..60, 1 => 0u64..1200];
    let number = prop_oneof![12 => Just(1u64), 1 => Just(0), 1 => 2u64..9];
    prop_oneof![
        60 => (faces, after, age, number)
            .prop_map(|(faces, after, age, number)| Beat::Frame { faces, after, age, number }),
        4 => (0u64..1500).prop_map(|after| Beat::Tick { after }),
        1 => (1u64..5000).prop_map(|by| Beat::Back { by }),
        1 => Just(Beat::Fault),
        1 => Just(Beat::Shutdown),
    ]
}

/// Beats as events on a clock.
fn events(beats: Vec<Beat>) -> Vec<(Event, Duration)> {
    let (mut now, mut sequence) = (10_000_u64, 1);
    let on_clock = |beat| {
        let event = match beat {
            Beat::Frame { faces, after, age, number } => {
                now += after;
                sequence += number;
                let captured = Duration::from_millis(now - age);
                Event::Frame(Sighting { sequence, captured, local_time: None, faces })
            }
            Beat::Tick { after } => {
                now += after;
                Event::Tick
            }
            Beat::Back { by } => {
                now -= by.min(now - 5000);
                Event::Tick
            }
            Beat::Fault => Event::Fault(Fault::Recogniser),
            Beat::Shutdown => Event::Shutdown,
        };
        (event, Duration::from_millis(now))
    };
    beats.into_iter().map(on_clock).collect()
}

fn script() -> impl Strategy<Value = Vec<(Event, Duration)>> {
    prop::collection::vec(beat(), 1..60).prop_map(events)
}

fn policy() -> impl Strategy<Value = AccessPolicy> {
    (1usize..5, 0usize..4, 0u64..2000, 0.0f32..0.2).prop_map(|(votes, more, hold_off, near_miss)| {
        let settings = AccessSettings {
            votes,
            window: votes + more,
            hold_off: Duration::from_millis(hold_off),
            near_miss,
            ..AccessSettings::default()
        };
        AccessPolicy::new(settings).expect("in range")
    })
}

/// Anna and Ben may come in; the third person is disabled.
fn rules() -> AccessRules {
    let mut rules = AccessRules::always([ANNA, BEN]);
    rules.people.insert(PersonId(3), PersonRule::Disabled);
    rules
}

fn play(policy: &AccessPolicy, script: Vec<(Event, Duration)>) -> Vec<(Event, Duration, Outcome)> {
    let mut control = AccessControl::new(policy.clone(), rules());
    let step = |(event, now)| {
        let outcome = control.step(&event, now);
        (event, now, outcome)
    };
    script.into_iter().map(step).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_grant_without_its_evidence(policy in policy(), script in script()) {
        let mut history = History::new();
        for (event, now, outcome) in play(&policy, script) {
            history.push((event, now, granted(&outcome)));
            prop_assert_eq!(objection(&history, &policy, &rules()), None);
        }
    }

    #[test]
    fn the_door_opens_with_a_grant_and_only_then(policy in policy(), script in script()) {
        for (event, _, outcome) in play(&policy, script) {
            let open = outcome.door == Some(DoorCommand::Open { pulse: policy.pulse() });
            prop_assert_eq!(open, granted(&outcome).is_some(), "{:?}", event);
            let told = outcome.audit.iter().rev().find_map(|event| match event.what {
                Audit::Decided(decision) => Some(decision),
                _ => None,
            });
            prop_assert_eq!(told, outcome.decision);
        }
    }

    #[test]
    fn faults_close_and_shutdown_is_for_good(policy in policy(), script in script()) {
        let mut down = false;
        for (event, _, outcome) in play(&policy, script) {
            let closes = !down && matches!(event, Event::Fault(_) | Event::Shutdown);
            prop_assert!(!closes || outcome.door == Some(DoorCommand::Close));
            prop_assert!(!down || (outcome.door.is_none() && outcome.audit.is_empty()));
            down |= event == Event::Shutdown;
            prop_assert_eq!(outcome.status == Status::ShutDown, down);
        }
    }

    #[test]
    fn reasons_of_a_single_frame_are_limited(policy in policy(), script in script()) {
        let mut told: Vec<(DenyReason, Duration)> = Vec::new();
        let mut clock = Duration::ZERO;
        for (_, now, outcome) in play(&policy, script) {
            if now < clock {
                told.clear();
            }
            clock = now;
            for event in outcome.audit {
                let Audit::Decided(Decision::Deny { reason }) = event.what else { continue };
                use DenyReason::{HoldOff, PersonChanged, SeveralPeople, VoteIncomplete};
                if matches!(reason, SeveralPeople | PersonChanged(_) | VoteIncomplete(_) | HoldOff(_)) {
                    let recent = told.iter().any(|(r, at)| *r == reason && now < *at + policy.denial_hold_off);
                    prop_assert!(!recent, "{} again", reason);
                    told.push((reason, now));
                }
            }
        }
    }

    #[test]
    fn a_running_vote_is_never_complete(policy in policy(), script in script()) {
        for (_, _, outcome) in play(&policy, script) {
            if let Status::Voting { have, need } = outcome.status {
                prop_assert!(0 < have && have < need && need == policy.votes);
            }
        }
    }

    #[test]
    fn evidence_that_is_complete_is_granted_at_once(policy in policy(), neutral in prop::collection::vec(any::<bool>(), 40)) {
        let mut control = AccessControl::new(policy.clone(), rules());
        let mut votes = Vec::new();
        for (number, neutral) in neutral.into_iter().enumerate() {
            let anna = Probe::Compared(Candidates(vec![Candidate { person: ANNA, similarity: 0.8 }]));
            let probe = if neutral { Probe::Missing } else { anna };
            let area = FaceBox { x: 0.4, y: 0.3, width: 0.2, height: 0.2 };
            let now = FRAME * (number as u32 + 1);
            let faces = vec![Face { area, probe }];
            let frame = Sighting { sequence: number as u64, captured: now, local_time: None, faces };
            let outcome = control.step(&Event::Frame(frame), now);
            votes.push(!neutral);
            let complete = votes.iter().rev().take(policy.window).filter(|vote| **vote).count() >= policy.votes;
            prop_assert_eq!(granted(&outcome).is_some(), complete);
            if complete {
                break;
            }
        }
    }
}

#[test]
fn the_scripts_do_grant() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut grants = 0;
    for _ in 0..200 {
        let script = (policy(), script()).new_tree(&mut runner).expect("a script").current();
        let outcomes = play(&script.0, script.1);
        grants += outcomes.iter().filter(|(_, _, outcome)| granted(outcome).is_some()).count();
    }
    assert!(grants > 100, "only {grants} grants in 200 scripts: the properties would hold for nothing");
}
