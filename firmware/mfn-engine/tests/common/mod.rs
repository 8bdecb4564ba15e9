//! What the tests share: the models outside the repository, model folders made on the spot, the guard.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod mobilefacenet;
pub mod rounded;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mfn_engine::{Guard, GuardLimits, Models};
use sha2::{Digest, Sha256};

/// The folder of models that are not the project's own; prints why and gives nothing where it is absent.
pub fn models_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("MFN_REFERENCE_MODELS").map(PathBuf::from);
    let found = dir.filter(|dir| dir.join("detector-yunet-n.onnx").exists());
    if found.is_none() {
        println!("skipped: MFN_REFERENCE_MODELS names no folder with detector-yunet-n.onnx");
    }
    found
}

/// The models in it.
pub fn models() -> Option<Models> {
    models_dir().map(|dir| Models::find(&dir).expect("the models folder is complete"))
}

/// The cosine of two outputs of one network.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A guard with the tests' own child and tight limits.
pub fn guard() -> Guard {
    let limits = GuardLimits { memory: 1 << 30, cpu_seconds: 20, wall: Duration::from_secs(30) };
    Guard::new(env!("CARGO_BIN_EXE_mfn-engine-guard-child"), [""; 0], limits)
}

/// Writes a model folder: `head` is a manifest without its `[files]`, which are added with their hashes.
pub fn write_folder(dir: &Path, head: &str, files: &[(&str, &[u8])]) {
    let mut manifest = format!("{head}\n[files]\n");
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("inside dir")).expect("folder");
        fs::write(&path, bytes).expect("file");
        let hash: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        manifest.push_str(&format!("{name:?} = {hash:?}\n"));
    }
    fs::write(dir.join("manifest.toml"), manifest).expect("manifest");
}

/// The head of a recogniser's manifest whose network is `net.onnx` and whose golden file is `golden.json`.
pub const RECOGNISER: &str = r#"
version = 1
kind = "recogniser"
name = "test-recogniser"
licence = "MIT"
template_space = "test"
golden = "golden.json"
[input]
name = "input"
size = [112, 112]
channels = "rgb"
mean = [127.5, 127.5, 127.5]
scale = [127.5, 127.5, 127.5]
[output]
names = ["embedding"]
dimension = 512
[networks]
fp32 = "net.onnx"
"#;

/// A golden file without vectors, for folders whose network is made up.
pub const NO_GOLDEN: &[u8] = br#"{"input": "none", "output": "none", "runtime": "none", "templates": {}}"#;
