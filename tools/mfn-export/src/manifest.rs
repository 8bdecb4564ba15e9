//! The manifest of a model folder, as `firmware/mfn-engine/MANIFEST.md` describes it; the engine does the checking.

use crate::bundle::{MANIFEST, hex};
use crate::train::checkpoint::write_whole;
use anyhow::{Context, Result, anyhow};
use mfn_engine::Thresholds;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub version: u32,
    /// `recogniser` or `detector`.
    pub kind: String,
    /// a-z, 0-9, '-', '.'.
    pub name: String,
    /// The model's terms.
    pub licence: String,
    /// What a recogniser's templates may be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_space: Option<String>,
    /// The file of golden vectors.
    pub golden: String,
    /// How pixels become the input.
    pub input: Input,
    /// The outputs.
    pub output: Output,
    /// `fp32` and `int8` -> file.
    pub networks: BTreeMap<String, String>,
    /// From which similarity on faces are one person, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// Every file with its SHA-256.
    pub files: BTreeMap<String, String>,
}

/// How pixels become the input: (pixel - mean) / scale, plane by plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Name in the graph.
    pub name: String,
    /// Width and height of a network that takes only one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// `rgb` or `bgr`: the order of the planes, of `mean` and of `scale`.
    pub channels: String,
    /// Subtracted.
    pub mean: [f32; 3],
    /// Divided by.
    pub scale: [f32; 3],
}

/// The outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Names in the graph.
    pub names: Vec<String>,
    /// Length of a recogniser's templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
}

/// Refuses a name and terms that the engine would refuse, before there is work in them.
///
/// # Errors
/// Names the option and the engine's rule.
pub fn check_terms(name: Option<&str>, licence: &str) -> Result<()> {
    name.map_or(Ok(()), mfn_engine::check_name).map_err(|e| anyhow!("--name: {e}"))?;
    mfn_engine::check_licence(licence).map_err(|e| anyhow!("--licence: {e}"))
}

impl Manifest {
    /// Reads that of a folder.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))?;
        toml::from_str(&text).map_err(|e| anyhow!("{}: {}", path.display(), e.message()))
    }

    /// Writes a file of the folder, whole or not at all, and lists it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
        put(&folder.join(name), bytes)?;
        self.files.insert(name.into(), hex(&Sha256::digest(bytes)));
        Ok(())
    }

    /// Writes itself into the folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        put(&folder.join(MANIFEST), toml::to_string(self)?.as_bytes())
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).with_context(|| format!("{}: cannot be written", path.display()))
}

impl Input {
    /// Writes packed RGB bytes of a crop as the network takes them, `[3, height, width]`.
    pub fn normalise(&self, pixels: &[u8], out: &mut [f32]) {
        let plane = pixels.len() / 3;
        for (i, pixel) in pixels.chunks_exact(3).enumerate() {
            for channel in 0..3 {
                let value = pixel[if self.channels == "bgr" { 2 - channel } else { channel }];
                out[channel * plane + i] = (f32::from(value) - self.mean[channel]) / self.scale[channel];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_the_engine_refuses_are_refused_first() {
        assert!(check_terms(None, "MIT").is_ok() && check_terms(Some("a-1.2"), "MIT").is_ok());
        let refused = |name, licence| check_terms(name, licence).unwrap_err().to_string();
        assert!(refused(Some("A b"), "MIT").starts_with("--name: "));
        assert!(refused(None, " ").starts_with("--licence: "));
    }

    #[test]
    fn planes_by_hand() {
        let input = Input {
            name: "x".into(),
            size: None,
            channels: "bgr".into(),
            mean: [1.0, 2.0, 3.0],
            scale: [1.0, 2.0, 4.0],
        };
        let mut out = [0.0; 6];
        input.normalise(&[7, 6, 5, 11, 12, 13], &mut out);
        // Blue first: (5 - 1) / 1, (13 - 1) / 1; then green (6 - 2) / 2 ...
        assert_eq!(out, [4.0, 12.0, 2.0, 5.0, 1.0, 2.0]);
    }
}
