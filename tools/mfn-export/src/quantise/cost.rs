//! What int8 costs: templates of the same faces by both networks, and decisions on the same pairs.

use crate::faces::{Crop, pairs, templates};
use crate::metrics::{Scored, verification};
use anyhow::{Result, ensure};
use mfn_engine::{ModelFolder, Precision};
use mfn_template::Template;
use serde::Serialize;
use std::path::Path;

/// Figures of one quantised network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Faces that were not calibrated with.
    pub faces: usize,
    /// Mean cosine between a face's int8 and fp32 template.
    pub cosine_mean: f64,
    /// The lowest.
    pub cosine_worst: f64,
    /// Decisions, where the faces have labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairCost>,
}

/// The decisions are made where fp32 lets one non-mated pair in so many pass.
const ONE_IN: usize = 1000;

/// The same pairs by both networks, at the threshold that gives fp32 an FMR of at most 1e-3.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairCost {
    /// Pairs of one person.
    pub mated: usize,
    /// Pairs of two persons.
    pub non_mated: usize,
    /// The threshold.
    pub threshold: f32,
    /// Wrong decisions of fp32, in per cent.
    pub error_fp32_percent: f64,
    /// Wrong decisions of int8 at the same threshold, in per cent.
    pub error_int8_percent: f64,
    /// TAR at FAR 1e-3 of fp32, in per cent.
    pub tar_fp32_percent: f64,
    /// TAR at FAR 1e-3 of int8, in per cent.
    pub tar_int8_percent: f64,
    /// Decisions that differ.
    pub changed: usize,
}

/// Compares both networks of a folder on crops, each with the number of its person where that is known.
///
/// # Errors
/// When a network is not taken by the engine, or fails.
pub fn cost(folder: &Path, crops: &[Crop], threads: usize) -> Result<Cost> {
    ensure!(!crops.is_empty(), "there are no faces to compare with");
    let folder = ModelFolder::open(folder)?;
    // The fp32 file passed the guard before, and the int8 file was made here.
    let by = |precision| templates(&folder.clone().select(precision)?, crops, threads);
    Ok(compare(&by(Precision::Fp32)?, &by(Precision::Int8)?, crops))
}

/// The same of templates that were made already, one a crop.
pub fn compare(fp32: &[Template], int8: &[Template], crops: &[Crop]) -> Cost {
    let cosines: Vec<f64> = fp32.iter().zip(int8).map(|(a, b)| f64::from(a.similarity(b))).collect();
    Cost {
        faces: crops.len(),
        cosine_mean: cosines.iter().sum::<f64>() / cosines.len() as f64,
        cosine_worst: cosines.iter().copied().fold(1.0, f64::min),
        pairs: pair_cost(&pairs(fp32, crops), &pairs(int8, crops)),
    }
}

/// `None` unless there are both kinds of pairs.
fn pair_cost(fp32: &[Scored], int8: &[Scored]) -> Option<PairCost> {
    let (before, after) = (verification(fp32)?, verification(int8)?);
    let mut non_mated: Vec<f32> = fp32.iter().filter(|pair| !pair.mated).map(|pair| pair.score).collect();
    non_mated.sort_by(|a, b| b.total_cmp(a));
    let threshold = non_mated[non_mated.len() / ONE_IN];
    let accepts = |pair: &Scored| pair.score > threshold;
    let wrong = |pairs: &[Scored]| {
        100.0 * pairs.iter().filter(|pair| accepts(pair) != pair.mated).count() as f64 / pairs.len() as f64
    };
    Some(PairCost {
        mated: before.mated,
        non_mated: before.non_mated,
        threshold,
        error_fp32_percent: wrong(fp32),
        error_int8_percent: wrong(int8),
        tar_fp32_percent: 100.0 * before.tar_at_far_1e3,
        tar_int8_percent: 100.0 * after.tar_at_far_1e3,
        changed: fp32.iter().zip(int8).filter(|(a, b)| accepts(a) != accepts(b)).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_counted_by_hand() {
        let pairs = |mated: [f32; 3], others: [f32; 2]| -> Vec<Scored> {
            let mated = mated.map(|score| Scored { score, mated: true });
            mated.into_iter().chain(others.map(|score| Scored { score, mated: false })).collect()
        };
        // Accepted is what is above 0.5, the highest non-mated score of fp32: 0.45 is wrong before; 0.48 and 0.45
        // after, and the non-mated 0.51: two decisions are new.
        let cost =
            pair_cost(&pairs([0.9, 0.6, 0.45], [0.5, 0.1]), &pairs([0.9, 0.48, 0.45], [0.51, 0.1])).unwrap();
        assert_eq!((cost.threshold, cost.changed), (0.5, 2));
        assert_eq!((cost.error_fp32_percent, cost.error_int8_percent), (20.0, 60.0));
        assert_eq!(pair_cost(&pairs([0.9; 3], [0.1; 2])[..3], &[]), None);
    }
}
