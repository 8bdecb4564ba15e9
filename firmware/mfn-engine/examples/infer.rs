//! Runs a network so many times and nothing else: to count instructions, as the difference of two numbers of runs.
//!
//! `infer FILE RUNS WIDTHxHEIGHT [tract | fp16]`

use std::num::NonZero;
use std::path::Path;

use mfn_engine::{AnyNetwork, Floats, Operators};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, runs, size, rest @ ..] = &arguments[..] else {
        return Err("infer FILE RUNS WIDTHxHEIGHT [tract | fp16]".into());
    };
    let (width, height) = size.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    let size = [height.parse()?, width.parse()?];
    let operators = match rest.first().map(String::as_str) {
        None => Operators::default(),
        Some("fp16") => Operators::Own { threads: NonZero::<usize>::MIN, floats: Floats::F16 },
        Some(_) => Operators::Tract,
    };
    let mut network = AnyNetwork::load(Path::new(file), Some(size), operators)?;
    let input: Vec<f32> = (0..network.input_len()).map(|i| (i * 37 % 255) as f32 / 127.5 - 1.0).collect();
    for _ in 0..runs.parse()? {
        network
            .run(&input, |outputs| assert!(outputs.iter().flat_map(|o| o.iter()).all(|v| v.is_finite())))?;
    }
    Ok(())
}
