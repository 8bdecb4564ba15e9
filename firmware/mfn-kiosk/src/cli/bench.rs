//! Arguments of `bench`.

use super::{Json, WithModels};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct BenchArgs {
    /// How often each stage runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,
    /// People in the gallery that is searched
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub people: u32,
    /// Photograph with a face
    #[arg(long, value_name = "FILE", default_value = "tests/fixtures/president-1.jpg")]
    pub photo: PathBuf,
    /// Time this network alone: any ONNX file with one input of 1x3xHxW; the file says whether it is one of floats
    /// or bytes, --precision fp16 computes floats in 16 bits
    #[arg(long, value_name = "FILE", conflicts_with_all = ["people", "photo", "config", "models"])]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub alone: Alone,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// How `bench --model` runs its network.
#[derive(Args, Debug)]
pub struct Alone {
    /// Input width and height, where the file leaves them open
    #[arg(long, value_name = "WxH", requires = "model", value_parser = size)]
    pub size: Option<[usize; 2]>,
    /// Whose operators run it
    #[arg(long, value_enum, default_value_t, requires = "model")]
    pub operators: Operators,
    /// Threads that share a run; more than there are idle cores make it slower
    #[arg(long, value_name = "N", default_value_t = 1, requires = "model", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub threads: u32,
    /// Input values, little-endian f32, planes of the three channels; without it zeros
    #[arg(long, value_name = "FILE", requires = "model")]
    pub input: Option<PathBuf>,
    /// Where the outputs go, little-endian f32, one behind the other
    #[arg(long, value_name = "FILE", requires = "model")]
    pub output: Option<PathBuf>,
}

/// Whose operators run a network.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Operators {
    /// This project's, where there are some
    #[default]
    Own,
    /// The runtime's alone
    Tract,
}

/// Height and width from `WxH`.
fn size(text: &str) -> Result<[usize; 2], String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some([h.parse().ok()?, w.parse().ok()?]));
    parsed
        .filter(|size| size.iter().all(|side| (1..=4096).contains(side)))
        .ok_or_else(|| "not WxH, such as 320x256".into())
}
