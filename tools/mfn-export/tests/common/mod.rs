//! What tests of exported networks share: parameters as after training, and onnxruntime's opinion.
#![allow(dead_code)] // Each test program uses its part.

use mfn_export::arch::Architecture;
use mfn_export::net::{ParameterSet, Role};
use std::path::Path;
use std::process::Command;

/// A network whose weights, batch norms, statistics and slopes are all different.
pub fn trained(architecture: Architecture, seed: u64) -> ParameterSet {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut set = ParameterSet::network(architecture, &mut rng);
    vary(&mut set, [0.5, 0.3], &mut rng);
    set
}

/// Moves all but the weights: what scales by up to `halves[0]` about 1, what shifts by up to `halves[1]` about 0.
pub fn vary(set: &mut ParameterSet, halves: [f32; 2], rng: &mut fastrand::Rng) {
    for parameter in set.list.iter_mut().filter(|p| p.role != Role::Weight) {
        let (middle, half) = match parameter.name.rsplit('.').next() {
            Some("gamma" | "variance") => (1.0, halves[0]),
            Some("slope") => (0.25, 0.2),
            _ => (0.0, halves[1]),
        };
        parameter.values.iter_mut().for_each(|v| *v = middle + half * (2.0 * rng.f32() - 1.0));
    }
}

/// Runs a script of `tests/reference`, which has the ONNX checker and onnxruntime look at a model folder.
pub fn onnxruntime_agrees(script: &str, arguments: &[&str], folder: &Path) {
    let python = std::env::var_os("MFN_PYTHON").unwrap_or("python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(script);
    match Command::new(python).arg(script).arg(folder).args(arguments).output() {
        Ok(result) if result.status.success() => print!("{}", String::from_utf8_lossy(&result.stdout)),
        Ok(result) if result.status.code() == Some(77) => {
            println!("skipped: Python without onnx, onnxruntime, numpy or cv2 (MFN_PYTHON names another)");
        }
        Ok(result) => panic!("{result:?}"),
        Err(error) => println!("skipped: no Python ({error})"),
    }
}
