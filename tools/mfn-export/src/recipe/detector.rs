//! The recipe of a face detector: frames with labels, how they are varied, and the weights of the losses.

use super::parse::{changed, default_root, load};
use super::{Optimiser, Schedule, Train};
use crate::detect::NAME;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything that decides how a detector's run goes; with the data it makes the run repeatable.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct DetectorRecipe {
    /// `detector`.
    pub network: String,
    /// Seed of weights, order and augmentation.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Where the frames come from.
    pub data: FrameData,
    /// How much they are varied.
    #[serde(default)]
    pub augment: FrameAugment,
    /// How gradients become steps.
    pub optimiser: Optimiser,
    /// How the learning rate goes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Length, batch and rhythm of the run.
    pub train: Train,
}

/// Frames with labels.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FrameData {
    /// Folder that relative paths start from; usually given by `--set data.root=DIR` or `MFN_DATA`.
    #[serde(default)]
    pub root: String,
    /// Archives and folders of photographs, each with a `labels.jsonl`.
    pub sources: Vec<FrameSource>,
    /// Faces of a lower score are doubtful: neither face nor background.
    #[serde(default = "default_doubtful")]
    pub doubtful: f32,
    /// The `source` of the labels whose frames have no face in them.
    #[serde(default = "default_empty")]
    pub empty: String,
    /// Which frames are never trained on.
    #[serde(default)]
    pub kept_out: KeptOut,
}

/// One archive or folder.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FrameSource {
    /// A tar or zip archive, or a folder; relative to the root.
    pub path: String,
    /// How often its frames are shown, relative to once an epoch.
    #[serde(default = "one")]
    pub share: f64,
}

/// The frames of each source that are kept out, by their line in `labels.jsonl`: blocks of neighbours, because
/// frames that follow each other may be of one scene.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct KeptOut {
    /// Frames a block.
    pub block: usize,
    /// One block in so many is kept out; 0 keeps none.
    pub one_in: usize,
    /// Which one of them, from 0.
    pub which: usize,
}

impl Default for KeptOut {
    /// Lines 81 to 100 of every 200.
    fn default() -> Self {
        Self { block: 20, one_in: 10, which: 4 }
    }
}

impl KeptOut {
    /// Whether the frame in this line (from 0) is kept out.
    pub fn holds(&self, line: usize) -> bool {
        self.one_in > 0 && (line / self.block) % self.one_in == self.which
    }
}

/// Probabilities (0 to 1) and sizes of each variation.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct FrameAugment {
    /// Side of the pictures that the network sees, a multiple of 32.
    pub side: u32,
    /// Probability of four frames in one picture.
    pub mosaic: f32,
    /// Smallest and largest side of the face that a single frame is scaled by, in pixels; evenly in its logarithm.
    pub face: [f32; 2],
    /// The same in a mosaic.
    pub mosaic_face: [f32; 2],
    /// Smaller faces are neither face nor background.
    pub smallest_face: f32,
    /// Probability of a mirrored frame.
    pub flip: f32,
    /// Probability of changed brightness, contrast and colour.
    pub colour: f32,
    /// Largest relative change of them.
    pub colour_strength: f32,
    /// Probability of a dark picture, with noise.
    pub dark: f32,
    /// Probability of a grey picture.
    pub grey: f32,
    /// Probability of blur (sigma up to 1.5 pixels).
    pub blur: f32,
    /// Probability of JPEG artefacts (quality 25 to 90).
    pub jpeg: f32,
}

impl Default for FrameAugment {
    fn default() -> Self {
        Self {
            side: 256,
            mosaic: 0.5,
            face: [20.0, 220.0],
            mosaic_face: [8.0, 80.0],
            smallest_face: 8.0,
            flip: 0.5,
            colour: 0.5,
            colour_strength: 0.3,
            dark: 0.1,
            grey: 0.1,
            blur: 0.1,
            jpeg: 0.1,
        }
    }
}

impl DetectorRecipe {
    /// Reads a recipe, applies `key=value` changes in order, and checks it.
    ///
    /// # Errors
    /// When it cannot be read, or a value is impossible.
    pub fn load(path: &Path, changes: &[String]) -> Result<Self> {
        load(path, changes, Self::parse)
    }

    /// The same from text.
    ///
    /// # Errors
    /// When a value is impossible.
    pub fn parse(text: &str, changes: &[String]) -> Result<Self> {
        let mut recipe: Self = changed(text, changes)?;
        default_root(&mut recipe.data.root);
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe as TOML, with every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a recipe is plain data")
    }

    fn check(&self) -> Result<()> {
        ensure!(self.network == NAME, "network `{}` is not that of a detector, `{NAME}`", self.network);
        ensure!(!self.data.sources.is_empty(), "data.sources is empty: name an archive or a folder");
        for FrameSource { path, share } in &self.data.sources {
            let fits = *share > 0.0 && *share <= 1000.0;
            ensure!(fits, "data.sources.share of {path} is {share}: it must be above 0 and at most 1000");
        }
        let kept = &self.data.kept_out;
        ensure!(kept.block > 0, "data.kept_out.block is 0: a block has frames");
        ensure!(kept.one_in != 1, "data.kept_out.one_in is 1: nothing would be left to train on");
        self.augment.check()?;
        self.optimiser.check()?;
        self.train.check()?;
        self.schedule.check(&self.train)
    }
}

impl FrameAugment {
    fn check(&self) -> Result<()> {
        let fits = (64..=1024).contains(&self.side) && self.side.is_multiple_of(32);
        ensure!(fits, "augment.side is {}: it is a multiple of 32 from 64 to 1024", self.side);
        for (name, p) in [
            ("mosaic", self.mosaic),
            ("flip", self.flip),
            ("colour", self.colour),
            ("colour_strength", self.colour_strength),
            ("dark", self.dark),
            ("grey", self.grey),
            ("blur", self.blur),
            ("jpeg", self.jpeg),
        ] {
            ensure!((0.0..=1.0).contains(&p), "augment.{name} is {p}: it is from 0 to 1");
        }
        for (name, [low, high]) in [("face", self.face), ("mosaic_face", self.mosaic_face)] {
            let fits = low > 0.0 && low <= high && high <= self.side as f32;
            ensure!(fits, "augment.{name} is {low} to {high}: sizes above 0, rising, within augment.side");
        }
        Ok(())
    }
}

fn default_seed() -> u64 {
    1
}
fn default_doubtful() -> f32 {
    0.6
}
fn default_empty() -> String {
    "indoor".into()
}
fn one() -> f64 {
    1.0
}
