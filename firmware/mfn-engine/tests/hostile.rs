//! Mutated network files: whatever a file does to its reader, this process neither panics nor waits for long.
//!
//! The ordinary test tries a few dozen mutations of each kind. The long one:
//! `cargo test --release -p mfn-engine --test hostile -- --ignored --nocapture` (700 files, minutes).

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::mobilefacenet::random;
use common::{NO_GOLDEN, models_dir, write_folder};
use mfn_engine::{Detector, DetectorOptions, Guard, GuardLimits, ModelError, ModelFolder, Recogniser};
use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto};

/// One file may take the guard's time by the clock, and what this process does besides.
const WALL: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(15);
/// Numbers that sizes, strides and pads are replaced by.
const EXTREMES: [i64; 8] = [0, -1, 1 << 62, i64::MAX, i64::MIN, 1 << 31, 65_536, 3];

fn guard() -> Guard {
    let limits = GuardLimits { memory: 768 << 20, cpu_seconds: 3, wall: WALL };
    Guard::new(env!("CARGO_BIN_EXE_mfn-engine-guard-child"), [""; 0], limits)
}

#[derive(Clone, Copy)]
enum Network {
    Detector,
    Recogniser,
}

impl Network {
    fn read(self) -> Option<Vec<u8>> {
        let file = match self {
            Network::Detector => "detector-yunet-n.onnx",
            Network::Recogniser => "teacher-edgeface-xs-512d.onnx",
        };
        models_dir().map(|dir| fs::read(dir.join(file)).unwrap())
    }

    /// The known manifest without its files.
    fn manifest(self) -> String {
        let (text, file) = match self {
            Network::Detector => (include_str!("../known/detector-yunet-n.toml"), "detector-yunet-n"),
            Network::Recogniser => {
                (include_str!("../known/teacher-edgeface-xs-512d.toml"), "teacher-edgeface-xs-512d")
            }
        };
        let head = text.split("[files]").next().unwrap();
        head.replace(&format!("{file}.onnx"), "net.onnx")
            .replace(&format!("golden/{file}.json"), "golden.json")
    }

    /// Writes the mutated file with a manifest of its own (so that its hash is right) and loads it.
    fn load(self, onnx: &[u8]) -> Result<(), ModelError> {
        let dir = tempfile::tempdir().unwrap();
        write_folder(dir.path(), &self.manifest(), &[("net.onnx", onnx), ("golden.json", NO_GOLDEN)]);
        let folder = ModelFolder::open(dir.path())?;
        match self {
            Network::Detector => {
                let options = DetectorOptions { width: 64, height: 64, ..DetectorOptions::default() };
                Detector::load(&folder, options, &guard()).map(|_| ())
            }
            Network::Recogniser => Recogniser::load(&folder, &guard()).map(|_| ()),
        }
    }
}

/// Changes bytes anywhere, or where most of the structure is.
fn mutate_bytes(bytes: &mut Vec<u8>, seed: &mut u64) {
    match random(seed) % 4 {
        0 => bytes.truncate((random(seed) % bytes.len() as u64) as usize),
        kind => {
            let range = if kind == 1 { bytes.len() } else { bytes.len().min(6000) };
            for _ in 0..1 + random(seed) % 8 {
                bytes[(random(seed) % range as u64) as usize] = random(seed) as u8;
            }
        }
    }
}

fn pick<'a, T>(list: &'a mut [T], seed: &mut u64) -> Option<&'a mut T> {
    let length = list.len() as u64;
    if length == 0 { None } else { list.get_mut((random(seed) % length) as usize) }
}

/// Changes one thing of the graph and leaves it a well-formed file.
fn mutate_graph(graph: &mut GraphProto, seed: &mut u64) -> Option<()> {
    let extreme = EXTREMES[(random(seed) % EXTREMES.len() as u64) as usize];
    match random(seed) % 10 {
        0 => *pick(&mut pick(&mut graph.initializer, seed)?.dims, seed)? = extreme,
        1 => {
            let raw = &mut pick(&mut graph.initializer, seed)?.raw_data;
            let length = raw.len() as u64;
            raw.truncate((random(seed) % length.max(1)) as usize);
        }
        2 => pick(&mut graph.initializer, seed)?.data_type = (random(seed) % 25) as i32,
        3 => {
            let raw = &mut pick(&mut graph.initializer, seed)?.raw_data;
            raw.get_mut(..4)?.copy_from_slice(&f32::NAN.to_le_bytes());
        }
        4 => *pick(&mut pick(&mut graph.node, seed)?.input, seed)? = "nothing".into(),
        5 => {
            let op = graph.node[(random(seed) % graph.node.len() as u64) as usize].op_type.clone();
            pick(&mut graph.node, seed)?.op_type = op;
        }
        6 => {
            pick(&mut graph.node, seed)?.input.pop()?;
        }
        7 => drop(graph.node.remove((random(seed) % graph.node.len() as u64) as usize)),
        8 => {
            let (a, b) = (random(seed) % graph.node.len() as u64, random(seed) % graph.node.len() as u64);
            graph.node.swap(a as usize, b as usize);
        }
        _ => mutate_attribute(graph, extreme, seed)?,
    }
    Some(())
}

fn mutate_attribute(graph: &mut GraphProto, extreme: i64, seed: &mut u64) -> Option<()> {
    let mut with: Vec<_> = graph.node.iter_mut().filter(|node| !node.attribute.is_empty()).collect();
    let attribute = pick(&mut pick(&mut with, seed)?.attribute, seed)?;
    // Half of the extremes pass the check before tract: small ones in a place where they mean nonsense.
    let value = if random(seed).is_multiple_of(2) { extreme } else { (random(seed) % 9) as i64 - 2 };
    match pick(&mut attribute.ints, seed) {
        Some(int) => *int = value,
        None => attribute.i = value,
    }
    Some(())
}

fn mutated(original: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = original.to_vec();
    if random(&mut state).is_multiple_of(3) {
        mutate_bytes(&mut bytes, &mut state);
        return bytes;
    }
    let mut model = ModelProto::decode(original).unwrap();
    // Some mutations find nothing to change; the file is then the original, which is a test as well.
    let _ = model.graph.as_mut().and_then(|graph| mutate_graph(graph, &mut state));
    model.encode_to_vec()
}

/// Loads `count` mutated files; a panic of this process would fail the test by itself.
fn survive(network: Network, seeds: std::ops::Range<u64>) {
    let Some(original) = network.read() else { return };
    network.load(&original).unwrap();
    let (mut good, mut refused, mut by_guard) = (0, 0, 0);
    for seed in seeds {
        let onnx = mutated(&original, seed);
        let start = Instant::now();
        match network.load(&onnx) {
            Ok(()) => good += 1,
            Err(error) => {
                assert!(matches!(error, ModelError::Network { .. }), "seed {seed}: {error}");
                let text = error.to_string();
                assert!(!text.contains('\n') && text.len() < 800, "seed {seed}: {text}");
                let by_tract = text.contains("trial") || text.contains("panicked");
                if by_tract {
                    println!("seed {seed}: {text}");
                }
                (refused, by_guard) = (refused + 1, by_guard + usize::from(by_tract));
            }
        }
        assert!(start.elapsed() < LONGEST, "seed {seed} took {:?}", start.elapsed());
    }
    println!("{good} harmless, {refused} refused, {by_guard} of them broke the trial process");
    assert!(refused > 0);
}

#[test]
fn mutated_detectors_are_survived() {
    survive(Network::Detector, 0..90);
}

#[test]
fn mutated_recognisers_are_survived() {
    survive(Network::Recogniser, 1000..1024);
}

#[test]
#[ignore = "minutes: 500 mutated detectors and 200 mutated recognisers"]
fn many_mutated_networks_are_survived() {
    survive(Network::Detector, 0..500);
    survive(Network::Recogniser, 1000..1200);
}

#[test]
fn a_pad_that_hangs_the_runtime_is_refused() {
    let Some(original) = Network::Detector.read() else { return };
    let mut model = ModelProto::decode(original.as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let conv = graph.node.iter_mut().find(|node| node.op_type == "Conv").unwrap();
    let pads = conv.attribute.iter_mut().find(|attribute| attribute.name == "pads").unwrap();
    pads.ints = vec![1 << 62; 4];
    let error = Network::Detector.load(&model.encode_to_vec()).unwrap_err().to_string();
    assert!(error.contains("\"pads\"") && error.contains("beyond"), "{error}");

    // What the check lets pass is still bounded by the trial's limits.
    let conv = model.graph.as_mut().unwrap().node.iter_mut().find(|node| node.op_type == "Conv").unwrap();
    let pads = conv.attribute.iter_mut().find(|attribute| attribute.name == "pads").unwrap();
    pads.ints = vec![60_000; 4];
    let error = Network::Detector.load(&model.encode_to_vec()).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_guard_whose_program_is_missing_refuses() {
    let Some(original) = Network::Detector.read() else { return };
    let dir = tempfile::tempdir().unwrap();
    let manifest = Network::Detector.manifest();
    write_folder(dir.path(), &manifest, &[("net.onnx", &original), ("golden.json", NO_GOLDEN)]);
    let folder = ModelFolder::open(dir.path()).unwrap();
    let guard = Guard::new(PathBuf::from("/nonexistent"), [""; 0], GuardLimits::default());
    let error = Detector::load(&folder, DetectorOptions::default(), &guard).err().unwrap().to_string();
    assert!(error.contains("cannot start /nonexistent"), "{error}");
}
