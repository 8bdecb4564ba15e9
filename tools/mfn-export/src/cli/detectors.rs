//! Arguments of the commands that measure and quantise detectors.

use crate::quantise::Rule;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `evaluate-detector`.
#[derive(Args, Debug)]
pub struct EvaluateDetector {
    /// A model folder, or a folder with a single detector.
    pub model: PathBuf,
    /// The recipe that says which frames are kept out.
    pub recipe: PathBuf,
    /// Change one value of the recipe; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub changes: Vec<String>,
    /// The int8 network of the folder in the place of fp32.
    #[arg(long)]
    pub int8: bool,
    /// Measure points by the mean of those that this detector sees in 22 looks at each face, in the place of the
    /// labels' own, and say how far the labels are off it.
    #[arg(long, value_name = "DETECTOR")]
    pub marks_by: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `quantise-detector`.
#[derive(Args, Debug)]
pub struct QuantiseDetector {
    /// The detector's folder to put an int8 network into.
    pub model: PathBuf,
    /// The recipe: the ranges come from frames that it trains on, the two networks are compared on those that it keeps
    /// out.
    pub recipe: PathBuf,
    /// `key=value` changes to it.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub changes: Vec<String>,
    /// How many frames the ranges come from.
    #[arg(long, default_value_t = 256)]
    pub frames: usize,
    /// The same seed picks the same frames.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the range of an activation is chosen.
    #[arg(long, value_enum, default_value = "mse")]
    pub range: Rule,
    /// Threads; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
