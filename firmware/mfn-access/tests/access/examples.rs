//! What happens at a door, one story a test.

use std::time::Duration;

use mfn_access::{
    AccessRules, AccessSettings, Audit, Decision, DenyReason, DoorCommand, Event, Fault, QualityIssue, Status,
};

use crate::scene::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn three_frames_that_agree_open_the_door_once() {
    let mut scene = Scene::new();
    assert_eq!(scene.see(&[anna()]).status, Status::Voting { have: 1, need: 3 });
    assert_eq!(scene.see(&[like(&[(ANNA, 0.6)])]).status, Status::Voting { have: 2, need: 3 });
    let outcome = scene.see(&[anna()]);
    let grant = Decision::Grant { person: ANNA, similarity: 0.6, votes: 3 };
    assert_eq!(outcome.decision, Some(grant));
    assert!(matches!(outcome.door, Some(DoorCommand::Open { pulse }) if pulse.get() == 3 * SECOND));
    assert_eq!(outcome.audit.len(), 1);
    assert_eq!(outcome.audit[0].what, Audit::Decided(grant));
    assert_eq!(outcome.audit[0].at, scene.now);
    assert_eq!(outcome.status, Status::HoldOff { person: ANNA, until: scene.now + 5 * SECOND });
}

#[test]
fn a_stranger_is_unknown_and_told_so_once() {
    let mut scene = Scene::new();
    assert_eq!(scene.watch(2, &[stranger()]), []);
    assert_eq!(scene.see(&[stranger()]).decision, deny(DenyReason::Unknown));
    assert_eq!(scene.watch(29, &[stranger()]), []);
    assert_eq!(scene.control.status(), Status::Denied(DenyReason::Unknown));
    assert_eq!(scene.see(&[stranger()]).decision, deny(DenyReason::Unknown));
}

#[test]
fn everybody_is_unknown_to_an_empty_gallery() {
    let mut scene = Scene::new();
    scene.watch(2, &[like(&[])]);
    assert_eq!(scene.see(&[like(&[])]).decision, deny(DenyReason::Unknown));
}

#[test]
fn the_next_stranger_gets_an_answer_of_their_own() {
    let mut scene = Scene::new();
    assert_eq!(scene.watch(3, &[stranger()]).len(), 1);
    assert_eq!(scene.watch(3, &[at(0.0, stranger())]).len(), 1);
}

#[test]
fn nearly_anna_is_below_the_threshold() {
    let mut scene = Scene::new();
    let nearly = like(&[(ANNA, 0.39), (BEN, 0.0)]);
    scene.watch(2, std::slice::from_ref(&nearly));
    assert_eq!(scene.see(&[nearly]).decision, deny(DenyReason::BelowThreshold(ANNA)));
}

#[test]
fn a_twin_is_ambiguous() {
    let mut scene = Scene::new();
    let twin = like(&[(ANNA, 0.72), (BEN, 0.70)]);
    scene.watch(2, std::slice::from_ref(&twin));
    assert_eq!(scene.see(&[twin]).decision, deny(DenyReason::Ambiguous(ANNA, BEN)));
}

#[test]
fn a_face_that_cannot_be_compared_is_told_why() {
    let mut scene = Scene::new();
    scene.watch(2, &[poor(QualityIssue::TooDark)]);
    let outcome = scene.see(&[poor(QualityIssue::TooDark)]);
    assert_eq!(outcome.decision, deny(DenyReason::PoorQuality(QualityIssue::TooDark)));
}

#[test]
fn poor_frames_neither_vote_nor_void() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    assert_eq!(scene.watch(2, &[poor(QualityIssue::Blurred)]), []);
    assert_eq!(granted(&scene.see(&[anna()])), Some(ANNA));
}

#[test]
fn votes_older_than_the_window_do_not_count() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    scene.watch(3, &[poor(QualityIssue::Blurred)]);
    assert_eq!(scene.see(&[anna()]).status, Status::Voting { have: 2, need: 3 });
}

#[test]
fn a_swap_in_the_middle_of_the_vote_starts_from_zero() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    assert_eq!(scene.see(&[ben()]).decision, deny(DenyReason::PersonChanged(ANNA)));
    assert_eq!(scene.watch(2, &[ben()]), []);
    assert_eq!(granted(&scene.see(&[ben()])), Some(BEN));
}

#[test]
fn a_swap_for_a_stranger_grants_nobody() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    assert_eq!(scene.see(&[stranger()]).decision, deny(DenyReason::PersonChanged(ANNA)));
    let unknown = Decision::Deny { reason: DenyReason::Unknown };
    assert_eq!(scene.watch(20, &[stranger()]), [unknown]);
}

#[test]
fn alternating_faces_never_open() {
    let mut scene = Scene::new();
    for _ in 0..50 {
        let pair = [scene.see(&[anna()]), scene.see(&[anna()]), scene.see(&[stranger()])];
        assert!(pair.iter().all(|outcome| outcome.door.is_none()));
    }
}

#[test]
fn who_leaves_before_the_vote_is_complete_opens_nothing() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    assert_eq!(scene.wait(SECOND).decision, None, "a frame on its way may still show her");
    let outcome = scene.wait(SECOND);
    assert_eq!(outcome.decision, deny(DenyReason::VoteIncomplete(ANNA)));
    assert_eq!(outcome.status, Status::Watching);
    assert_eq!(scene.see(&[anna()]).status, Status::Voting { have: 1, need: 3 });
}

#[test]
fn an_empty_scene_ends_the_approach() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    let decisions = scene.watch(10, &[]);
    assert_eq!(decisions, [Decision::Deny { reason: DenyReason::VoteIncomplete(ANNA) }]);
}

#[test]
fn a_face_that_jumps_is_another_approach() {
    let mut scene = Scene::new();
    scene.watch(2, &[at(0.0, anna())]);
    let outcome = scene.see(&[at(0.7, anna())]);
    assert_eq!(outcome.decision, deny(DenyReason::VoteIncomplete(ANNA)));
    assert_eq!(outcome.status, Status::Voting { have: 1, need: 3 });
}

#[test]
fn a_face_that_grows_at_once_is_another_approach() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    let outcome = scene.see(&[scaled(1.7, anna())]);
    assert_eq!(outcome.decision, deny(DenyReason::VoteIncomplete(ANNA)));
}

#[test]
fn a_face_that_walks_up_is_one_approach() {
    let mut scene = Scene::new();
    scene.see(&[scaled(0.5, at(0.2, anna()))]);
    scene.see(&[scaled(0.7, at(0.3, anna()))]);
    assert_eq!(granted(&scene.see(&[at(0.4, anna())])), Some(ANNA));
}

#[test]
fn one_frame_repeated_is_one_vote() {
    let mut scene = Scene::new();
    scene.see(&[anna()]);
    let repeated = Event::Frame(scene.sighting(&[anna()]));
    let outcome = scene.control.step(&repeated, scene.now);
    assert_eq!(outcome.status, Status::Voting { have: 1, need: 3 });
    scene.sequence += 1;
    let same_instant = Event::Frame(scene.sighting(&[anna()]));
    let outcome = scene.control.step(&same_instant, scene.now);
    assert_eq!(outcome.status, Status::Voting { have: 1, need: 3 });
}

#[test]
fn old_and_future_frames_are_no_evidence() {
    let mut scene = Scene::new();
    for frame in 1..10 {
        let mut sighting = scene.sighting(&[anna()]);
        sighting.sequence = frame;
        sighting.captured += FRAME * frame as u32;
        let before = scene.control.step(&Event::Frame(sighting.clone()), sighting.captured - FRAME / 2);
        let late = sighting.captured + Duration::from_millis(1001);
        let after = scene.control.clone().step(&Event::Frame(sighting), late);
        assert_eq!((before.status, after.status), (Status::Watching, Status::Watching));
    }
}

#[test]
fn two_people_side_by_side_are_asked_to_come_one_at_a_time() {
    let mut scene = Scene::new();
    scene.watch(2, &[at(0.1, anna())]);
    let both = [at(0.1, anna()), at(0.6, ben())];
    assert_eq!(scene.see(&both).decision, deny(DenyReason::SeveralPeople));
    assert_eq!(scene.watch(20, &both), []);
    assert_eq!(scene.watch(2, &[at(0.1, anna())]), [], "the vote starts from zero");
    assert_eq!(granted(&scene.see(&[at(0.1, anna())])), Some(ANNA));
}

#[test]
fn the_nearest_face_asks_and_people_far_behind_do_not_matter() {
    let mut scene = Scene::new();
    let view = [scaled(0.5, at(0.7, stranger())), at(0.1, anna())];
    scene.watch(2, &view);
    assert_eq!(granted(&scene.see(&view)), Some(ANNA));
}

#[test]
fn someone_known_behind_a_stranger_does_not_help_the_stranger() {
    let mut scene = Scene::new();
    let decisions = scene.watch(20, &[at(0.1, stranger()), scaled(0.5, at(0.7, anna()))]);
    assert_eq!(decisions, [Decision::Deny { reason: DenyReason::Unknown }]);
}

#[test]
fn no_second_grant_until_the_hold_off_is_over() {
    let mut scene = Scene::new();
    let grants = scene.watch(3 + 52, &[anna()]);
    assert_eq!(grants.len(), 2, "{grants:?}");
}

#[test]
fn who_left_and_came_back_is_let_in_again() {
    let mut scene = Scene::new();
    scene.watch(3, &[anna()]);
    assert_eq!(scene.watch(9, &[]), []);
    scene.watch(2, &[anna()]);
    assert_eq!(granted(&scene.see(&[anna()])), Some(ANNA));
}

#[test]
fn somebody_in_the_place_of_who_was_let_in_must_wait() {
    let mut scene = Scene::new();
    scene.watch(3, &[anna()]);
    assert_eq!(scene.see(&[ben()]).decision, deny(DenyReason::HoldOff(BEN)));
    assert_eq!(scene.watch(28, &[ben()]), []);
}

#[test]
fn a_fault_voids_the_vote_and_closes_the_door() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    let outcome = scene.control.step(&Event::Fault(Fault::Camera), scene.now);
    assert_eq!(outcome.door, Some(DoorCommand::Close));
    assert_eq!(outcome.status, Status::Failed(Fault::Camera));
    assert_eq!(scene.see(&[anna()]).status, Status::Voting { have: 1, need: 3 });
}

#[test]
fn nothing_happens_after_shutdown() {
    let mut scene = Scene::new();
    let outcome = scene.control.step(&Event::Shutdown, scene.now);
    assert_eq!(outcome.door, Some(DoorCommand::Close));
    assert_eq!(scene.watch(10, &[anna()]), []);
    assert_eq!(scene.control.status(), Status::ShutDown);
}

#[test]
fn a_clock_that_goes_backwards_voids_the_vote_and_closes() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    scene.now -= 10 * SECOND;
    let outcome = scene.see(&[anna()]);
    assert_eq!((outcome.door, outcome.status), (Some(DoorCommand::Close), Status::Failed(Fault::Clock)));
    scene.watch(2, &[anna()]);
    assert_eq!(granted(&scene.see(&[anna()])), Some(ANNA));
}

#[test]
fn new_rules_void_the_vote() {
    let mut scene = Scene::new();
    scene.watch(2, &[anna()]);
    scene.control.set_rules(AccessRules::always([BEN]));
    assert_eq!(scene.watch(2, &[anna()]), []);
    assert!(matches!(scene.see(&[anna()]).decision, Some(Decision::Deny { reason: DenyReason::Rule(..) })));
}

#[test]
fn one_vote_is_enough_when_the_policy_says_so() {
    let settings = AccessSettings { votes: 1, window: 1, ..AccessSettings::default() };
    let mut scene = Scene::with(settings, AccessRules::always([ANNA]));
    assert_eq!(granted(&scene.see(&[anna()])), Some(ANNA));
}
