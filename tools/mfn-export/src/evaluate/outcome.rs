//! What a benchmark reports.

use super::folds::{Folded, fold_rule};
use super::{Rate, Tally, TarAtFar};
use crate::metrics::Scored;
use anyhow::Result;
use serde::Serialize;

/// One benchmark's figures.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Name of the benchmark, such as `lfw` or `rfw-asian`.
    pub name: String,
    /// What was found.
    #[serde(flatten)]
    pub figures: Figures,
    /// Pictures in which no face was found; they were scored from their centre.
    pub faces_not_found: Vec<String>,
}

/// The figures, by the kind of the protocol.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Figures {
    /// Pairs in folds.
    Pairs(PairFigures),
    /// RFW's four groups together.
    Groups(GroupFigures),
    /// Probes against a gallery: TinyFace.
    Ranks(RankFigures),
    /// Comparisons of templates: IJB-B and IJB-C.
    Templates(TemplateFigures),
    /// A labelled folder.
    Labelled(Box<LabelledFigures>),
}

/// Figures of pairs in folds.
#[derive(Clone, Debug, Serialize)]
pub struct PairFigures {
    /// How many pairs.
    pub pairs: usize,
    /// Mean over folds of right decisions, in per cent.
    pub accuracy_percent: f64,
    /// Standard deviation over folds, in per cent.
    pub accuracy_std_percent: f64,
    /// 95 % interval of the accuracy, in per cent.
    pub interval: [f64; 2],
    /// TAR at each FAR for which there are enough non-mated pairs.
    pub tar_at_far: Vec<TarAtFar>,
    /// Mean over the folds of the thresholds that were used.
    pub mean_threshold: f64,
    /// The threshold that was used for each fold.
    #[serde(skip)]
    pub thresholds: Vec<f32>,
    /// The scored pairs.
    #[serde(skip)]
    pub scored: Vec<Folded>,
    /// The same with f(x) + f(mirror x) in the place of f(x).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Box<PairFigures>>,
}

/// RFW: how evenly a model serves four groups.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFigures {
    /// Mean of the groups' accuracies, in per cent.
    pub average_percent: f64,
    /// Standard deviation over the groups, in per cent.
    pub group_std_percent: f64,
    /// Skewed error ratio: highest error of a group / lowest.
    pub skewed_error_ratio: f64,
}

/// Closed-set identification.
#[derive(Clone, Debug, Serialize)]
pub struct RankFigures {
    /// How many probes.
    pub probes: u64,
    /// Pictures in the gallery, distractors included.
    pub gallery: usize,
    /// Probes whose most similar picture is of the same person.
    pub rank_1: Rate,
    /// Probes with such a picture among the first five.
    pub rank_5: Rate,
}

/// 1:1 comparisons of pooled templates.
#[derive(Clone, Debug, Serialize)]
pub struct TemplateFigures {
    /// How many comparisons.
    pub pairs: u64,
    /// How many templates.
    pub templates: usize,
    /// TAR at FAR 1e-6 to 1e-1.
    pub tar_at_far: Vec<TarAtFar>,
}

/// All pairs of a labelled folder, and open-set searches.
#[derive(Clone, Debug, Serialize)]
pub struct LabelledFigures {
    /// Pictures.
    pub pictures: usize,
    /// People.
    pub people: usize,
    /// TAR at each FAR for which there are enough non-mated pairs.
    pub tar_at_far: Vec<TarAtFar>,
    /// FMR where it is nearest to the FNMR.
    pub equal_error_fmr: Rate,
    /// FNMR at the same threshold.
    pub equal_error_fnmr: Rate,
    /// That threshold.
    pub equal_error_threshold: f64,
    /// Searches in galleries of several sizes.
    pub open_set: Vec<OpenSetFigures>,
    /// Points of the DET curve: threshold, FMR, FNMR.
    #[serde(skip)]
    pub det: Vec<super::tally::ErrorRates>,
}

/// FPIR and FNIR with N people enrolled (ISO/IEC 19795-1).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenSetFigures {
    /// People enrolled, one picture each.
    pub enrolled: usize,
    /// The highest FPIR that was allowed.
    pub wanted_fpir: f64,
    /// Non-mated searches that return somebody.
    pub fpir: Rate,
    /// Mated searches that do not return the right person first.
    pub fnir: Rate,
    /// The threshold.
    pub threshold: f64,
}

/// The fold rule and TAR at FAR 1e-2 and 1e-3 over scored pairs.
///
/// # Errors
/// Those of the fold rule.
pub fn pair_figures(pairs: &[Folded]) -> Result<PairFigures> {
    let folds = fold_rule(pairs)?;
    let mut tally = Tally::default();
    for Folded { scored: Scored { score, mated }, .. } in pairs {
        tally.add(*score, *mated);
    }
    let thresholds = folds.thresholds.iter().map(|t| f64::from(*t)).sum::<f64>();
    Ok(PairFigures {
        pairs: pairs.len(),
        accuracy_percent: 100.0 * folds.mean,
        accuracy_std_percent: 100.0 * folds.deviation,
        interval: folds.right.interval().map(|v| 100.0 * v),
        tar_at_far: tar_at_fars(&tally, &[1e-3, 1e-2]),
        mean_threshold: thresholds / folds.thresholds.len() as f64,
        thresholds: folds.thresholds,
        scored: pairs.to_vec(),
        flip: None,
    })
}

impl PairFigures {
    /// How many of the same pairs, scored by another network, are decided otherwise at these thresholds.
    pub fn changed_by(&self, other: &PairFigures) -> usize {
        let accepts = |pair: &Folded| pair.scored.score >= self.thresholds[pair.fold];
        self.scored.iter().zip(&other.scored).filter(|(a, b)| accepts(a) != accepts(b)).count()
    }
}

/// TAR at those FARs that at least one non-mated comparison can show.
pub fn tar_at_fars(tally: &Tally, fars: &[f64]) -> Vec<TarAtFar> {
    let (_, non_mated) = tally.trials();
    let shown = fars.iter().filter(|far| **far * non_mated as f64 >= 1.0 - 1e-9);
    shown.map(|far| tally.tar_at_far(*far)).collect()
}

/// Mean, deviation and skewed error ratio of the groups' accuracies in per cent.
pub fn group_figures(accuracies: &[f64]) -> GroupFigures {
    let count = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / count;
    let variance = accuracies.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>() / count;
    let errors = || accuracies.iter().map(|a| 100.0 - a);
    let (highest, lowest) = (errors().fold(0.0, f64::max), errors().fold(f64::INFINITY, f64::min));
    // Without any error at all the groups are served alike.
    let skewed_error_ratio = if highest == 0.0 { 1.0 } else { highest / lowest };
    GroupFigures { average_percent: mean, group_std_percent: variance.sqrt(), skewed_error_ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skewed_error_ratio_by_hand() {
        let figures = group_figures(&[88.0, 90.0, 94.0, 92.0]);
        // Errors 12, 10, 6, 8: 12 / 6; mean 91, squares 9 + 1 + 9 + 1 over 4 = 5.
        assert_eq!((figures.average_percent, figures.skewed_error_ratio), (91.0, 2.0));
        assert!((figures.group_std_percent - 5.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(group_figures(&[100.0; 4]).skewed_error_ratio, 1.0);
    }

    #[test]
    fn rates_that_nothing_can_show_are_left_out() {
        let mut tally = Tally::default();
        tally.add(0.9, true);
        (0..100).for_each(|_| tally.add(0.1, false));
        let fars: Vec<f64> = tar_at_fars(&tally, &[1e-3, 1e-2, 1e-1]).iter().map(|t| t.far).collect();
        assert_eq!(fars, [1e-2, 1e-1]);
    }
}
