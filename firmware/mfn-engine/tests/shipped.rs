//! The models that are shipped in `models/`: every network against its golden vectors.

use std::path::Path;

use mfn_engine::{Detector, DetectorOptions, Guard, Models, Precision, Recogniser};

fn shipped() -> Models {
    Models::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")).unwrap()
}

#[test]
fn the_detector_finds_its_golden_faces_in_floats_and_in_bytes() {
    let models = shipped();
    for (precision, shift) in [(Precision::Fp32, 0.01), (Precision::Int8, 2.0)] {
        let folder = models.detector().unwrap().clone().select(precision).unwrap();
        let mut detector = Detector::load(&folder, DetectorOptions::default(), &Guard::trusted()).unwrap();
        let test = detector.self_test(&folder).unwrap();
        println!("{precision:?}: {test:?}");
        assert!(test.faces >= 5 && test.largest_shift < shift, "{precision:?}: {test:?}");
    }
}

#[test]
fn both_recognisers_give_their_golden_templates_in_floats_and_in_bytes() {
    let models = shipped();
    assert_eq!(models.recogniser(None).unwrap().name(), "mobilefacenet");
    for name in ["mobilefacenet", "mmobilefacenet"] {
        for (precision, cosine) in [(Precision::Fp32, 0.9999), (Precision::Int8, 0.995)] {
            let folder = models.recogniser(Some(name)).unwrap().clone().select(precision).unwrap();
            let mut recogniser = Recogniser::load(&folder, &Guard::trusted()).unwrap();
            let test = recogniser.self_test(&folder).unwrap();
            println!("{name} {precision:?}: {test:?}");
            assert_eq!(test.crops, 5);
            assert!(test.lowest_cosine > cosine, "{name} {precision:?}: {test:?}");
            // Some of these portraits are hard; a network that is worth shipping puts them in order all the same.
            assert!(test.lowest_mated > test.highest_non_mated, "{name} {precision:?}: {test:?}");
        }
    }
}
