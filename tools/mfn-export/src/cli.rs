//! The command line: every command with its arguments and an example.

mod detectors;
mod models;

pub use detectors::{EvaluateDetector, QuantiseDetector};
pub use models::{Bundle, Card, Evaluate, Export, Import, Keygen, Prepare, Quantise, Subset, Verify};

use crate::device::Place;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// From a folder of photographs to a signed model that a board runs.
///
/// Exit codes: 0 done, 1 failed (one line says what and why), 2 the command line was wrong.
#[derive(Debug, Parser)]
#[command(name = "mfn-export", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Layers, parameters, MACs and THOP count of a network.
    #[command(after_help = "Example: mfn-export inspect mobilefacenet")]
    Inspect {
        /// `mobilefacenet` or `mmobilefacenet`, a model folder, or an ONNX file.
        arch: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Train a network by a recipe, or go on with a run.
    #[command(
        after_help = "Examples:\n  mfn-export train recipes/distil-mobilefacenet.toml --out run --set data.root=FACES\n  mfn-export train --resume run"
    )]
    Train(Train),
    /// A model's figures on benchmarks, each with its trials and 95 % interval.
    #[command(
        after_help = "Example: mfn-export evaluate model --benchmark lfw=lfw --benchmark agedb-30=agedb_30.bin --paper"
    )]
    Evaluate(Evaluate),
    /// A recogniser's figures on people whom training never saw and on benchmarks, with curves, into its folder; and
    /// thresholds into its manifest.
    #[command(
        after_help = "Example: mfn-export card model model/recipe.toml --set data.root=FACES --benchmark lfw=lfw"
    )]
    Card(Card),
    /// A detector's figures on the frames that its recipe keeps out of training.
    #[command(
        after_help = "Example: mfn-export evaluate-detector models/detector recipes/detector.toml --set data.root=FRAMES"
    )]
    EvaluateDetector(EvaluateDetector),
    /// A checkpoint as a model folder: ONNX with batch norms folded, manifest, golden vectors.
    ///
    /// A detector's golden pictures are photographs with a face, of any size.
    #[command(after_help = "Example: mfn-export export run --out model --golden crops --licence MIT")]
    Export(Export),
    /// A stranger's recogniser as a model folder; finds out how it wants its pixels.
    #[command(
        after_help = "Example: mfn-export import w600k_r50.onnx --faces crops --out model --licence MIT"
    )]
    Import(Import),
    /// The int8 network of a model folder, fitted to faces, and what it costs.
    #[command(after_help = "Example: mfn-export quantise model --calibrate crops")]
    Quantise(Quantise),
    /// The int8 network of a detector's folder, fitted to the frames of its recipe, and what it costs.
    #[command(
        after_help = "Example: mfn-export quantise-detector models/detector recipes/detector.toml --set data.root=FRAMES"
    )]
    QuantiseDetector(QuantiseDetector),
    /// A key pair for signing models, in minisign's format.
    #[command(after_help = "Example: mfn-export keygen release")]
    Keygen(Keygen),
    /// Sign a model folder: its manifest, which holds every file's hash.
    #[command(after_help = "Example: mfn-export bundle model --key release.key")]
    Bundle(Bundle),
    /// Check a model folder's signature and hashes.
    #[command(after_help = "Example: mfn-export verify model --key release.pub")]
    Verify(Verify),
    /// Find and align every face of a folder of photographs.
    #[command(after_help = "Example: mfn-export prepare photos --out crops --largest")]
    Prepare(Prepare),
    /// A reproducible selection of identities and pictures, as a list; nothing is copied.
    #[command(
        after_help = "Example: mfn-export subset webface42m --out subset.txt --identities 100000 --seed 1"
    )]
    Subset(Subset),
    /// Tries an ONNX file in a process of its own (for this program alone).
    #[command(name = "model-guard", hide = true)]
    ModelGuard,
    /// Loss, learning rate and held-out figures of runs as an SVG picture.
    #[command(after_help = "Example: mfn-export curve run-a run-b --out curves.svg")]
    Curve {
        /// Folders of runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The picture to write.
        #[arg(long)]
        out: PathBuf,
        /// Print one JSON object: the picture, and each run's newest figures.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `train`.
#[derive(Args, Debug)]
pub struct Train {
    /// The recipe of a new run.
    #[arg(required_unless_present = "resume", conflicts_with = "resume", requires = "out")]
    pub recipe: Option<PathBuf>,
    /// Folder for the run's recipe, metrics and checkpoints.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder of a run to go on with from its last checkpoint.
    #[arg(long, conflicts_with = "out")]
    pub resume: Option<PathBuf>,
    /// Change one value of the recipe; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub changes: Vec<String>,
    /// Folder of the models, for the teacher.
    #[arg(long, env = "MFN_REFERENCE_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// Threads that make batches; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
    /// What to compute on.
    #[arg(long, value_enum, default_value = "cpu")]
    pub device: Place,
    /// Print one JSON object at the end: how far the run went. Its metrics are JSON lines in its folder.
    #[arg(long)]
    pub json: bool,
}
