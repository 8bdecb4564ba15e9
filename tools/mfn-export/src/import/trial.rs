//! Which of the usual ways from pixels to numbers a network was trained with: the one by which it tells people
//! apart best.

use super::Stranger;
use crate::faces::{Crop, pairs, templates};
use crate::manifest::{Input, Manifest, Output};
use crate::metrics::{Scored, Verification, verification};
use anyhow::{Context, Result};
use mfn_engine::{Guard, ModelError, ModelFolder, Recogniser};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Mean and scale of the planes, red first, and who uses them.
const SCALES: [(&str, [f32; 3], [f32; 3]); 6] = [
    ("(x - 127.5) / 127.5: InsightFace, EdgeFace", [127.5; 3], [127.5; 3]),
    ("(x - 127.5) / 128: older InsightFace, MobileFaceNet", [127.5; 3], [128.0; 3]),
    ("x: SFace, networks that scale inside", [0.0; 3], [1.0; 3]),
    ("x / 255", [0.0; 3], [255.0; 3]),
    ("ImageNet's mean and deviation", [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    ("x - ImageNet's mean", [123.68, 116.779, 103.939], [1.0; 3]),
];

/// Separations this near to each other cannot be told apart by a few hundred faces.
const ALIKE: f64 = 0.99;

/// One way of making the input, and how well the network does with it.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// In words.
    pub what: String,
    /// For the manifest.
    pub input: Input,
    /// Figures on the labelled faces.
    pub figures: Verification,
    /// Distance of the mated from the non-mated mean, in their common deviation (d').
    pub separation: f64,
}

/// Every way that is tried.
pub fn candidates(name: &str) -> Vec<(String, Input)> {
    let of = |channels: &str, (what, mut mean, mut scale): (&str, [f32; 3], [f32; 3])| {
        if channels == "bgr" {
            mean.reverse();
            scale.reverse();
        }
        let input = Input { name: name.into(), size: Some([112; 2]), channels: channels.into(), mean, scale };
        (format!("{channels} {what}"), input)
    };
    SCALES.into_iter().flat_map(|scale| ["rgb", "bgr"].map(|channels| of(channels, scale))).collect()
}

/// Tries all of them on labelled crops in the empty folder `work`, best first. The file passes `guard` first.
///
/// # Errors
/// When the network is refused or fails, or the crops hold no mated or no non-mated pair.
pub fn try_all(
    stranger: &Stranger,
    crops: &[Crop],
    work: &Path,
    guard: &Guard,
    threads: usize,
    done: &dyn Fn(),
) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for (what, input) in candidates(&stranger.input) {
        let folder = folder(stranger, input.clone(), work)?;
        if trials.is_empty() {
            Recogniser::load(&folder, guard).map_err(|error| of_the_file(stranger, error))?;
        }
        let scored = pairs(&templates(&folder, crops, threads)?, crops);
        let figures = verification(&scored).context(
            "the faces hold no mated or no non-mated pair: wanted are folders of several people, with two pictures and more of some",
        )?;
        trials.push(Trial { what, input, figures, separation: separation(&scored, &figures) });
        done();
    }
    Ok(best_first(trials))
}

/// A refusal names the file that the user gave instead of the copy that was tried.
fn of_the_file(stranger: &Stranger, error: ModelError) -> ModelError {
    match error {
        ModelError::Network { reason, .. } => ModelError::Network { path: stranger.path.clone(), reason },
        other => other,
    }
}

/// By separation; of those that are as good as the best one the usual way (the earliest of the list) is first.
fn best_first(mut trials: Vec<Trial>) -> Vec<Trial> {
    let best = trials.iter().map(|trial| trial.separation).fold(0.0, f64::max);
    let usual = trials.iter().position(|trial| trial.separation >= ALIKE * best).unwrap_or(0);
    let usual = trials.remove(usual);
    trials.sort_by(|a, b| b.separation.total_cmp(&a.separation));
    trials.insert(0, usual);
    trials
}

/// A model folder that is good enough to be loaded.
fn folder(stranger: &Stranger, input: Input, work: &Path) -> Result<ModelFolder> {
    let mut manifest = Manifest {
        version: 1,
        kind: "recogniser".into(),
        name: "stranger".into(),
        licence: "unknown".into(),
        template_space: Some("stranger".into()),
        golden: "golden.json".into(),
        input,
        output: Output { names: vec![stranger.output.clone()], dimension: Some(stranger.dimension) },
        networks: BTreeMap::from([("fp32".into(), "stranger.onnx".into())]),
        thresholds: None,
        files: BTreeMap::new(),
    };
    manifest.put(work, "stranger.onnx", &stranger.bytes)?;
    manifest.put(work, "golden.json", b"{}")?;
    manifest.write(work)?;
    Ok(ModelFolder::open(work)?)
}

fn separation(scored: &[Scored], figures: &Verification) -> f64 {
    let variance = |mated: bool, mean: f32| {
        let of: Vec<f64> = scored
            .iter()
            .filter(|pair| pair.mated == mated)
            .map(|pair| f64::from(pair.score - mean).powi(2))
            .collect();
        of.iter().sum::<f64>() / of.len().max(1) as f64
    };
    let common = (variance(true, figures.mated_mean) + variance(false, figures.non_mated_mean)) / 2.0;
    f64::from(figures.mated_mean - figures.non_mated_mean) / common.max(1e-12).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separation_by_hand() {
        let pair = |score, mated| Scored { score, mated };
        let scored = [pair(0.9, true), pair(0.7, true), pair(0.3, false), pair(0.1, false)];
        // Means 0.8 and 0.2, both variances 0.01: 0.6 / 0.1.
        let found = separation(&scored, &verification(&scored).unwrap());
        assert!((found - 6.0).abs() < 1e-5, "{found}");
    }

    #[test]
    fn planes_and_their_numbers_turn_together() {
        let all = candidates("x");
        assert_eq!(all.len(), 12);
        let bgr = all.iter().find(|(what, _)| what.starts_with("bgr ImageNet")).unwrap();
        assert_eq!(bgr.1.mean, [103.53, 116.28, 123.675]);
    }
}
