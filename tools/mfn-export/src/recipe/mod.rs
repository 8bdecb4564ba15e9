//! A training recipe: parsed once from TOML into types whose values have been checked.

mod check;
mod data;
mod detector;
mod parse;
mod training;

pub use data::{Augment, Data, HeldOut, Source};
pub use detector::{DetectorRecipe, FrameAugment, FrameData, FrameSource, KeptOut};
pub use parse::{ROOT_VARIABLE, is_detector};
pub use training::{
    Distil, Hint, Margin, MarginKind, Optimiser, OptimiserKind, Precision, Schedule, ScheduleKind, Teacher,
    Train,
};

use serde::{Deserialize, Serialize};

/// Everything that decides how a run goes; with the data it makes the run repeatable.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `mobilefacenet` or `mmobilefacenet`.
    pub network: String,
    /// Seed of weights, order and augmentation.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// A checkpoint whose weights the run begins with, widened where its network is narrower; else random ones.
    pub begin: Option<String>,
    /// Where the faces come from.
    pub data: Data,
    /// How much the crops are varied.
    #[serde(default)]
    pub augment: Augment,
    /// The network to learn from, if any.
    pub teacher: Option<Teacher>,
    /// Weights of the distillation losses.
    #[serde(default)]
    pub distil: Distil,
    /// A classification loss over the identities, if any.
    pub margin: Option<Margin>,
    /// How gradients become steps.
    pub optimiser: Optimiser,
    /// How the learning rate goes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Length, batch and rhythm of the run.
    pub train: Train,
}

fn default_seed() -> u64 {
    1
}
