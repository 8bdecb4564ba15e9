//! The command line: every command with its arguments and an example.

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
        /// `mobilefacenet` or `mmobilefacenet`.
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
    /// Loss, learning rate and held-out figures of runs as an SVG picture.
    #[command(after_help = "Example: mfn-export curve run-a run-b --out curves.svg")]
    Curve {
        /// Folders of runs.
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// The picture to write.
        #[arg(long)]
        out: PathBuf,
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
    #[arg(long, env = "MFN_MODELS", default_value = "models")]
    pub models: PathBuf,
    /// Threads that make batches; all cores by default.
    #[arg(long)]
    pub threads: Option<usize>,
}
