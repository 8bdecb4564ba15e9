//! The part of a recipe about faces: sources, who is held out, augmentation.

use serde::{Deserialize, Serialize};

/// Where the faces come from.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder that relative paths start from; usually given by `--set data.root=DIR` or `MFN_DATA`.
    #[serde(default)]
    pub root: String,
    /// Archives and folders of aligned 112x112 crops.
    pub sources: Vec<Source>,
    /// File with one identity a line that is never trained on.
    #[serde(default)]
    pub exclude: Option<String>,
    /// InsightFace `.bin` files by whose mean error the best two checkpoints are chosen, as the paper chooses V1 and
    /// V2 by LFW, CALFW and AgeDB-30; without any, by the people held out.
    #[serde(default)]
    pub choose_by: Vec<String>,
    /// The people kept back for choosing checkpoints.
    #[serde(default)]
    pub held_out: HeldOut,
}

/// One archive or folder.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A tar or zip archive, a `train.rec`, or a folder; relative to the root.
    pub path: String,
    /// Whether the folder of an image names its identity.
    pub labelled: bool,
    /// File with the names of the pictures to use, as `subset` writes it; without it all are.
    #[serde(default)]
    pub list: Option<String>,
    /// How often its images are shown, relative to once an epoch.
    #[serde(default = "one")]
    pub share: f64,
    /// Folders or pictures of this source to leave out, by their beginning (such as `gan`, or `gan/7.png`).
    #[serde(default)]
    pub leave_out: Vec<String>,
}

/// Which identities are held out: those whose hashed name falls on one in `one_in`, and those listed.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct HeldOut {
    /// One identity in so many is held out; 0 holds out only those listed.
    pub one_in: u64,
    /// Identities held out by name.
    pub identities: Vec<String>,
    /// Mated pairs that are drawn from them, and as many non-mated ones.
    pub pairs: usize,
    /// Only every so many images is used of an identity with more images than this.
    pub most_images: usize,
}

impl Default for HeldOut {
    fn default() -> Self {
        Self { one_in: 20, identities: Vec::new(), pairs: 1500, most_images: 20 }
    }
}

/// Probabilities (0 to 1) and largest sizes of each variation.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Probability of a mirrored crop.
    pub flip: f32,
    /// Probability of a small rotation, scaling and shift.
    pub affine: f32,
    /// Largest rotation in degrees.
    pub rotate: f32,
    /// Largest relative change of scale.
    pub scale: f32,
    /// Largest shift in pixels.
    pub shift: f32,
    /// Probability of changed brightness, contrast and colour.
    pub colour: f32,
    /// Largest relative change of brightness, contrast and saturation.
    pub colour_strength: f32,
    /// Probability of a grey picture.
    pub grey: f32,
    /// Probability of blur (sigma up to 1.5 pixels).
    pub blur: f32,
    /// Probability of JPEG artefacts (quality 25 to 90).
    pub jpeg: f32,
    /// Probability of a picture seen at a lower resolution.
    pub low_resolution: f32,
    /// Smallest side in pixels that it is reduced to.
    pub smallest_side: u32,
    /// Probability of a rectangle painted over.
    pub erase: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            flip: 0.5,
            affine: 0.6,
            rotate: 6.0,
            scale: 0.06,
            shift: 3.0,
            colour: 0.4,
            colour_strength: 0.25,
            grey: 0.02,
            blur: 0.08,
            jpeg: 0.1,
            low_resolution: 0.15,
            smallest_side: 28,
            erase: 0.05,
        }
    }
}

fn one() -> f64 {
    1.0
}
