//! The part of a recipe about learning: teacher, losses, optimiser, schedule, rhythm.

use serde::{Deserialize, Serialize};

/// The network to learn from.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Teacher {
    /// An ONNX file with input n x 3 x 112 x 112, (pixel - 127.5) / 127.5; relative to the models' folder.
    pub onnx: String,
    /// A file that keeps the features of each crop as it is, computed once; without it the
    /// teacher looks at the very view that the student sees.
    pub cache: Option<String>,
    /// Inner tensors that the student's stages are drawn towards.
    #[serde(default, rename = "hint")]
    pub hints: Vec<Hint>,
}

/// One inner tensor of the teacher and the stage of the student that learns from it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// Name of the tensor in the ONNX file; its map must have the stage's size.
    pub tensor: String,
    /// `body1`, `body2` or `body3`.
    pub stage: String,
    /// Weight of its mean square error.
    #[serde(default = "half")]
    pub weight: f32,
}

/// Weights of the losses towards the teacher's features; 0 turns one off.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Distil {
    /// Weight of 1 - cosine.
    pub cosine: f32,
    /// Weight of the squared difference of pairwise similarities, times the batch.
    pub pairwise: f32,
}

impl Default for Distil {
    fn default() -> Self {
        Self { cosine: 1.0, pairwise: 1.0 }
    }
}

/// Which margin loss.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum MarginKind {
    /// Angular margin that grows with the feature's length (Meng et al. 2021).
    MagFace,
    /// Additive angular margin (Deng et al. 2019).
    ArcFace,
    /// Additive cosine margin (Wang et al. 2018).
    CosFace,
}

/// A classification loss over the labelled identities.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Margin {
    /// Which one.
    pub kind: MarginKind,
    /// Its weight in the sum.
    #[serde(default = "one_f32")]
    pub weight: f32,
    /// Scale s of the cosines.
    #[serde(default = "default_scale")]
    pub scale: f32,
    /// Margin of ArcFace (radians) and CosFace (cosine).
    #[serde(default = "default_margin")]
    pub margin: f32,
    /// Share of the class centres that one step compares with (partial FC); 1 is all.
    #[serde(default = "one_f32")]
    pub centres: f32,
}

/// Which optimiser.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Stochastic gradient descent with momentum, no dampening.
    Sgd,
    /// Adam with decoupled weight decay.
    AdamW,
}

/// How gradients become steps.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Optimiser {
    /// Which one.
    pub kind: OptimiserKind,
    /// Learning rate that the schedule multiplies.
    pub learning_rate: f64,
    /// Weight decay; not applied to batch norms and PReLU slopes.
    #[serde(default)]
    pub weight_decay: f64,
    /// Momentum of SGD.
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Decay of AdamW's second moments.
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// Radius of sharpness-aware minimisation; 0 is without.
    #[serde(default)]
    pub sam_rho: f64,
    /// Largest length of the whole gradient; 0 is no limit.
    #[serde(default)]
    pub clip: f64,
    /// Decay a step of the averaged weights; 0 is none.
    #[serde(default)]
    pub average: f64,
}

/// Which course the learning rate takes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// The same throughout, until `anneal_from`.
    #[default]
    Constant,
    /// Half a cosine down to zero over the whole run.
    Cosine,
    /// The paper's: divided by ten from epochs 20 and 50, times 0.998 an epoch.
    Paper,
}

/// How the learning rate goes over the run.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Which course.
    pub kind: ScheduleKind,
    /// Images over which it rises from zero.
    pub warm_up: u64,
    /// For `constant`: images seen from which it falls to zero by the end of the run.
    pub anneal_from: Option<u64>,
}

/// What the numbers are that 1x1 convolutions multiply in training.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Floats.
    #[default]
    Single,
    /// Rounded to bfloat16, with sums in floats: faster on CPUs with AVX-512 BF16, as `single` on others.
    Mixed,
}

/// Length, batch and rhythm.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Images seen in the whole run; either this or `epochs`.
    pub images: Option<u64>,
    /// Epochs of the whole run.
    pub epochs: Option<f64>,
    /// Images a step.
    #[serde(default = "default_batch")]
    pub batch: usize,
    /// Minutes between checkpoints.
    #[serde(default = "default_minutes")]
    pub checkpoint_minutes: f64,
    /// Images seen between evaluations on the held-out identities.
    #[serde(default = "default_evaluate")]
    pub evaluate_every: u64,
    /// What is multiplied.
    #[serde(default)]
    pub precision: Precision,
}

fn one_f32() -> f32 {
    1.0
}
fn half() -> f32 {
    0.5
}
fn default_scale() -> f32 {
    64.0
}
fn default_margin() -> f32 {
    0.5
}
fn default_momentum() -> f64 {
    0.9
}
fn default_beta2() -> f64 {
    0.999
}
fn default_batch() -> usize {
    64
}
fn default_minutes() -> f64 {
    5.0
}
fn default_evaluate() -> u64 {
    50_000
}
