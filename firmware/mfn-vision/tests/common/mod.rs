//! Where the committed pictures are, and how pictures are compared.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use mfn_vision::photo::{PhotoLimits, load};
use mfn_vision::{Landmarks, Point, RgbImage};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A file of this crate's tests/data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A portrait of the workspace's tests/fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

/// A picture that must be there.
pub fn picture(path: &Path) -> RgbImage {
    load(path, &PhotoLimits::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The expected values that make_expected.py wrote.
pub fn expected(part: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(data("expected.json")).expect("expected.json is committed");
    let all: serde_json::Value = serde_json::from_str(&text).expect("expected.json is JSON");
    all[part].as_array().expect("a list of cases").clone()
}

/// The field `points` of a case.
pub fn landmarks(case: &serde_json::Value) -> Landmarks {
    let at = |i: usize, j: usize| case["points"][i][j].as_f64().expect("a coordinate") as f32;
    Landmarks(std::array::from_fn(|i| Point { x: at(i, 0), y: at(i, 1) }))
}

/// Mean and greatest absolute difference of two pictures of one size, in grey levels.
pub fn difference(a: &[u8], b: &[u8]) -> (f64, u8) {
    assert_eq!(a.len(), b.len(), "pictures of one size");
    let each = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (each().map(f64::from).sum::<f64>() / a.len() as f64, each().max().unwrap_or(0))
}

/// A picture of any small size with any bytes.
pub fn any_picture() -> impl Strategy<Value = RgbImage> {
    (1..40_u32, 1..40_u32).prop_flat_map(|(w, h)| {
        let bytes = prop::collection::vec(any::<u8>(), (3 * w * h) as usize);
        bytes.prop_map(move |bytes| RgbImage::from_raw(w, h, bytes).expect("the right length"))
    })
}

/// Any f32 at all, with the awkward ones often.
pub fn any_coordinate() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -50.0..150.0_f32,
        1 => prop::num::f32::ANY,
        1 => prop::sample::select(vec![0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e30]),
    ]
}

/// Five points with any coordinates.
pub fn any_landmarks() -> impl Strategy<Value = Landmarks> {
    prop::array::uniform5((any_coordinate(), any_coordinate()))
        .prop_map(|points| Landmarks(points.map(|(x, y)| Point { x, y })))
}
