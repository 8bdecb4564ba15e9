//! Evidence at its limits: numbers that are none, candidates in any order, faces that move.

use mfn_access::{DenyReason, Face, FaceBox, Probe};
use mfn_template::PersonId;

use crate::scene::*;

const NOT_SIMILARITIES: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.5, -1.5];

#[test]
fn a_similarity_that_is_no_cosine_never_grants() {
    for wrong in NOT_SIMILARITIES {
        for face in [
            like(&[(ANNA, wrong)]),
            like(&[(ANNA, wrong), (BEN, 0.1)]),
            like(&[(ANNA, 0.7), (BEN, wrong)]),
            like(&[(ANNA, 0.7), (ANNA, wrong)]),
        ] {
            let mut scene = Scene::new();
            scene.watch(2, std::slice::from_ref(&face));
            assert_eq!(scene.see(&[face]).decision, deny(DenyReason::NoTemplate), "{wrong}");
        }
    }
}

#[test]
fn a_box_that_is_none_is_no_evidence_even_beside_a_good_one() {
    let good = anna().area;
    let wrong = [
        FaceBox { x: f32::NAN, ..good },
        FaceBox { y: f32::INFINITY, ..good },
        FaceBox { width: f32::NAN, ..good },
        FaceBox { height: -0.1, ..good },
        FaceBox { width: 0.0, ..good },
        FaceBox { width: f32::MAX, height: f32::MAX, ..good },
    ];
    for area in wrong {
        assert!(!area.is_usable(), "{area:?}");
        let face = Face { area, ..anna() };
        assert_eq!(Scene::new().watch(20, std::slice::from_ref(&face)), []);
        assert_eq!(Scene::new().watch(20, &[anna(), face]), []);
    }
}

#[test]
fn threshold_and_margin_are_reached_at_their_very_values() {
    let cases = [
        (like(&[(ANNA, 0.4)]), true),
        (like(&[(ANNA, 0.399_999)]), false),
        (like(&[(ANNA, 0.75), (BEN, 0.5)]), true),
        (like(&[(ANNA, 0.75), (BEN, 0.500_1)]), false),
    ];
    for (face, grants) in cases {
        let settings = mfn_access::AccessSettings { margin: 0.25, ..Default::default() };
        let mut scene = Scene::with(settings, mfn_access::AccessRules::always([ANNA]));
        scene.watch(2, std::slice::from_ref(&face));
        assert_eq!(granted(&scene.see(std::slice::from_ref(&face))).is_some(), grants, "{face:?}");
    }
}

#[test]
fn the_order_of_candidates_is_not_taken_on_trust() {
    let mut scene = Scene::new();
    let unsorted = like(&[(BEN, 0.1), (ANNA, 0.7), (PersonId(3), 0.68)]);
    scene.watch(2, std::slice::from_ref(&unsorted));
    assert_eq!(scene.see(&[unsorted]).decision, deny(DenyReason::Ambiguous(ANNA, PersonId(3))));
}

#[test]
fn a_person_s_second_template_is_no_other_person() {
    let mut scene = Scene::new();
    let twice = like(&[(ANNA, 0.7), (ANNA, 0.69), (BEN, 0.1)]);
    scene.watch(2, std::slice::from_ref(&twice));
    assert_eq!(granted(&scene.see(&[twice])), Some(ANNA));
}

#[test]
fn a_face_that_was_not_compared_gets_no_further() {
    let mut scene = Scene::new();
    let missing = Face { probe: Probe::Missing, ..anna() };
    scene.watch(2, std::slice::from_ref(&missing));
    assert_eq!(scene.see(&[missing]).decision, deny(DenyReason::NoTemplate));
}

#[test]
fn a_box_continues_where_it_moved_or_grew_a_little() {
    let before = FaceBox { x: 0.4, y: 0.4, width: 0.2, height: 0.2 };
    let continues = |after: FaceBox| after.continues(&before, 1.0, 1.6);
    assert!(continues(before));
    assert!(continues(FaceBox { x: 0.59, ..before }));
    assert!(!continues(FaceBox { x: 0.61, ..before }));
    assert!(!continues(FaceBox { y: 0.19, ..before }));
    assert!(continues(FaceBox { x: 0.35, y: 0.35, width: 0.3, height: 0.3 }));
    assert!(!continues(FaceBox { x: 0.23, y: 0.23, width: 0.33, height: 0.33 }));
    assert!(!continues(FaceBox { width: 0.12, ..before }));
    assert!(!continues(FaceBox { x: f32::MAX, ..before }));
}
