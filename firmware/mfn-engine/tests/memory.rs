//! Resident memory of both networks in one process: at the peak of loading, and at rest.

mod common;

use common::models;
use mfn_engine::{Detector, DetectorOptions, Guard, Recogniser};

/// A line of this process's status in megabytes.
fn status(field: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024.0
}

#[test]
fn both_networks_fit_a_small_board() {
    let Some(models) = models() else { return };
    let before = status("VmHWM");
    // The recogniser first: loading it takes the most, and the detector's part is not there yet.
    let recogniser_folder = models.recogniser(None).unwrap();
    let mut recogniser = Recogniser::load(recogniser_folder, &Guard::trusted()).unwrap();
    let loaded = status("VmHWM");
    let detector_folder = models.detector().unwrap();
    let mut detector =
        Detector::load(detector_folder, DetectorOptions::default(), &Guard::trusted()).unwrap();
    recogniser.self_test(recogniser_folder).unwrap();
    detector.self_test(detector_folder).unwrap();
    let (peak, rest) = (status("VmHWM"), status("VmRSS"));
    println!(
        "MB: {before:.1} before, {loaded:.1} peak of loading the recogniser, {peak:.1} peak, {rest:.1} at rest"
    );
    assert!(peak < LIMIT, "{peak} MB");
}

/// Megabytes of the whole test process, with the teacher (1.8 times the weights of the paper's network).
const LIMIT: f64 = 56.0;
