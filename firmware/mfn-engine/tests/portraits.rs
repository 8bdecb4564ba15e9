//! Quality on real portraits: good ones pass, and each spoilt one fails for its own reason.

mod common;

use std::path::Path;

use common::models;
use mfn_engine::{Detector, DetectorOptions, Guard, Quality, QualityLimits};
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{AlignedFace, Detection, RgbImage, align, resize};

const PORTRAITS: [&str; 5] = ["astronaut-1", "president-1", "president-2", "president-3", "vice-president-1"];

fn portrait(name: &str) -> RgbImage {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    photo::load(&fixtures.join(format!("{name}.jpg")), &PhotoLimits::default()).unwrap()
}

/// Every portrait with its one face.
fn portraits() -> Option<Vec<(&'static str, RgbImage, Detection)>> {
    let models = models()?;
    let mut detector =
        Detector::load(models.detector().unwrap(), DetectorOptions::default(), &Guard::trusted()).unwrap();
    let mut found = Vec::new();
    let face = |name| {
        let frame = portrait(name);
        detector.detect(&frame, &mut found).unwrap();
        assert_eq!(found.len(), 1, "{name}");
        (name, frame, found[0])
    };
    Some(PORTRAITS.into_iter().map(face).collect())
}

fn quality(frame: &RgbImage, detection: &Detection) -> Quality {
    let mut face = AlignedFace::default();
    align(frame, &detection.landmarks, &mut face).unwrap();
    Quality::assess(detection, &face)
}

fn issue(limits: &QualityLimits, quality: &Quality) -> &'static str {
    limits.check(quality).map_or_else(|issue| issue.name(), |()| "none")
}

#[test]
fn good_portraits_pass() {
    for (name, frame, face) in portraits().unwrap_or_default() {
        let quality = quality(&frame, &face);
        println!("{name}: score {:.2} {quality:?}", quality.score());
        assert_eq!(issue(&QualityLimits::ENROLMENT, &quality), "none", "{name} {quality:?}");
        assert_eq!(issue(&QualityLimits::VOTE, &quality), "none", "{name}");
        assert!(quality.score() > 0.3, "{name}");
    }
}

/// Shrunk until the eyes are `eyes` pixels apart, with the detection that belongs to it.
fn shrunk(frame: &RgbImage, face: &Detection, eyes: f32) -> (RgbImage, Detection) {
    let [left, right, ..] = face.landmarks.0;
    let scale = eyes / (right.x - left.x).hypot(right.y - left.y);
    let mut small =
        RgbImage::new((frame.width() as f32 * scale) as u32, (frame.height() as f32 * scale) as u32);
    resize(frame, &mut small);
    let mut face = *face;
    face.landmarks.0.iter_mut().for_each(|p| (p.x, p.y) = (p.x * scale, p.y * scale));
    (small, face)
}

#[test]
fn faces_of_just_the_needed_size_are_not_called_blurred() {
    for (name, frame, face) in portraits().unwrap_or_default() {
        for (eyes, limits) in [(25.0, QualityLimits::ENROLMENT), (13.0, QualityLimits::VOTE)] {
            let (small, small_face) = shrunk(&frame, &face, eyes);
            let quality = quality(&small, &small_face);
            println!("{name}: eyes {eyes} apart, sharpness {:.4}", quality.sharpness);
            assert_eq!(issue(&limits, &quality), "none", "{name} {quality:?}");
        }
    }
}

#[test]
fn tiny_and_blurred_faces_fail() {
    for (name, frame, face) in portraits().unwrap_or_default() {
        let (small, small_face) = shrunk(&frame, &face, 11.0);
        let tiny = quality(&small, &small_face);
        for limits in [QualityLimits::ENROLMENT, QualityLimits::VOTE] {
            assert_eq!(issue(&limits, &tiny), "too-small", "{name} {tiny:?}");
        }
        // Enlarged again: as many pixels as before, but nothing in them.
        let mut soft = RgbImage::new(frame.width(), frame.height());
        resize(&small, &mut soft);
        let blurred = quality(&soft, &face);
        println!(
            "{name}: sharpness {:.4} sharp, {:.4} blurred",
            quality(&frame, &face).sharpness,
            blurred.sharpness
        );
        assert_eq!(issue(&QualityLimits::ENROLMENT, &blurred), "blurred", "{name} {blurred:?}");
    }
}

#[test]
fn dark_and_bright_faces_fail() {
    for (name, frame, face) in portraits().unwrap_or_default() {
        let changed = |change: fn([u8; 3]) -> [u8; 3]| {
            let mut frame = frame.clone();
            frame.data_mut().as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = change(*pixel));
            issue(&QualityLimits::ENROLMENT, &quality(&frame, &face))
        };
        assert_eq!(changed(|pixel| pixel.map(|v| v / 8)), "too-dark", "{name}");
        assert_eq!(changed(|pixel| pixel.map(|v| 225 + v / 9)), "too-bright", "{name}");
        // Hard light: what is lit is burnt out, the rest is lost.
        assert_eq!(changed(|pixel| [if pixel[1] > 110 { 255 } else { 0 }; 3]), "badly-lit", "{name}");
    }
}

#[test]
fn turned_faces_fail() {
    for (name, frame, face) in portraits().unwrap_or_default() {
        let mut turned = face;
        let [left, right, nose, ..] = &mut turned.landmarks.0;
        // As in a half profile: the nose is in front of one eye.
        nose.x += 0.45 * (right.x - left.x);
        let name_of = issue(&QualityLimits::ENROLMENT, &quality(&frame, &turned));
        let pose = quality(&frame, &turned).pose;
        assert!(pose.yaw > quality(&frame, &face).pose.yaw + 25.0, "{name} {pose:?}");
        assert!(pose.yaw < 30.0 || name_of == "turned-away", "{name} {pose:?}");
    }
}
