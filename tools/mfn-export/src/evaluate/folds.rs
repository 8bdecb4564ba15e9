//! The fold rule: each fold is scored with the threshold that is best on all the others.

use super::Rate;
use crate::metrics::Scored;
use anyhow::{Result, ensure};

/// One comparison and the fold that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Folded {
    /// Its score and truth.
    pub scored: Scored,
    /// Number of its fold, from 0.
    pub fold: usize,
    /// The lower quality score of its two faces, where both have one.
    pub quality: Option<f32>,
}

/// What the rule gives.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldFigures {
    /// Right decisions over all folds.
    pub right: Rate,
    /// Mean over folds of the share of right decisions.
    pub mean: f64,
    /// Standard deviation over folds (of the folds themselves, not of a sample: as the field prints it).
    pub deviation: f64,
    /// The threshold used for each fold.
    pub thresholds: Vec<f32>,
}

/// Applies the rule.
///
/// # Errors
/// When there are fewer than two folds, one is empty, or a score is no number.
pub fn fold_rule(pairs: &[Folded]) -> Result<FoldFigures> {
    let folds = pairs.iter().map(|p| p.fold + 1).max().unwrap_or(0);
    ensure!(folds >= 2, "the fold rule needs at least two folds, there are {folds}");
    ensure!(pairs.iter().all(|p| p.scored.score.is_finite()), "a score is not a finite number");
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| b.scored.score.total_cmp(&a.scored.score));
    let (mut right, mut shares, mut thresholds) = (Rate { count: 0, trials: 0 }, Vec::new(), Vec::new());
    for fold in 0..folds {
        let threshold = best_threshold(sorted.iter().filter(|p| p.fold != fold).map(|p| p.scored));
        let rate = decisions(sorted.iter().filter(|p| p.fold == fold).map(|p| p.scored), threshold);
        ensure!(rate.trials > 0, "fold {} holds no pair", fold + 1);
        right = Rate { count: right.count + rate.count, trials: right.trials + rate.trials };
        shares.push(rate.share());
        thresholds.push(threshold);
    }
    let mean = shares.iter().sum::<f64>() / folds as f64;
    let variance = shares.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / folds as f64;
    Ok(FoldFigures { right, mean, deviation: variance.sqrt(), thresholds })
}

/// The threshold with the fewest wrong decisions, half way between two scores; of several the highest, which
/// accepts the fewest non-mated pairs. `falling` comes best score first.
fn best_threshold(falling: impl Iterator<Item = Scored>) -> f32 {
    let pairs: Vec<Scored> = falling.collect();
    // Above every score nothing is accepted: all mated pairs are wrong.
    let mut wrong = pairs.iter().filter(|p| p.mated).count();
    let mut best = (wrong, f32::INFINITY);
    for (i, pair) in pairs.iter().enumerate() {
        if pair.mated {
            wrong -= 1;
        } else {
            wrong += 1;
        }
        let next = pairs.get(i + 1).map_or(f32::NEG_INFINITY, |p| p.score);
        if next < pair.score && wrong < best.0 {
            best = (wrong, if next.is_finite() { pair.score / 2.0 + next / 2.0 } else { pair.score });
        }
    }
    best.1
}

fn decisions(pairs: impl Iterator<Item = Scored>, threshold: f32) -> Rate {
    let mut rate = Rate { count: 0, trials: 0 };
    for pair in pairs {
        rate.trials += 1;
        rate.count += u64::from((pair.score >= threshold) == pair.mated);
    }
    rate
}

/// Which of `folds` consecutive parts item `index` of `count` falls into; the first parts are longer by one
/// where it does not divide (as scikit-learn's KFold cuts, which InsightFace uses).
pub fn consecutive_fold(index: usize, count: usize, folds: usize) -> usize {
    let (len, longer) = (count / folds, count % folds);
    let cut = longer * (len + 1);
    if index < cut { index / (len + 1) } else { longer + (index - cut) / len.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(fold: usize, mated: &[f32], others: &[f32]) -> Vec<Folded> {
        let of = |score: &f32, mated| Folded { scored: Scored { score: *score, mated }, fold, quality: None };
        mated.iter().map(|s| of(s, true)).chain(others.iter().map(|s| of(s, false))).collect()
    }

    #[test]
    fn three_folds_worked_out_by_hand() {
        let pairs = [
            folded(0, &[0.9, 0.8], &[0.1, 0.2]),
            folded(1, &[0.7, 0.3], &[0.2, 0.4]),
            folded(2, &[0.6, 0.5], &[0.45, 0.0]),
        ]
        .concat();
        let figures = fold_rule(&pairs).unwrap();
        // Fold 0, from the others 0.7 0.6 0.5 | 0.45- 0.4- 0.3 0.2- 0.0-: best between 0.5 and 0.45, one wrong.
        // Fold 1, from 0.9 0.8 0.6 0.5 | 0.45- ...: the same cut. Fold 2, from 0.9 0.8 0.7 | 0.4- 0.3 ...: 0.55
        // has one wrong, and so have lower cuts, of which the highest counts.
        let expected = [0.475, 0.475, 0.55];
        for (found, expected) in figures.thresholds.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{:?}", figures.thresholds);
        }
        // Right: 4 of 4; 3 of 4 (0.3 is rejected); 3 of 4 (0.5 is rejected).
        assert_eq!(figures.right, Rate { count: 10, trials: 12 });
        assert!((figures.mean - 10.0 / 12.0).abs() < 1e-12);
        // Shares 1, 0.75, 0.75: the variance is (1/36 + 1/144 + 1/144) / 3 = 1/72.
        assert!((figures.deviation - (1.0_f64 / 72.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn folds_are_cut_as_the_field_cuts_them() {
        let folds: Vec<usize> = (0..7).map(|i| consecutive_fold(i, 7, 3)).collect();
        assert_eq!(folds, [0, 0, 0, 1, 1, 2, 2]);
        assert_eq!(consecutive_fold(5999, 6000, 10), 9);
        assert_eq!(consecutive_fold(600, 6000, 10), 1);
    }

    #[test]
    fn one_fold_or_nan_is_an_error() {
        assert!(fold_rule(&folded(0, &[0.5], &[0.1])).is_err());
        assert!(fold_rule(&[folded(0, &[0.5], &[]), folded(1, &[f32::NAN], &[])].concat()).is_err());
    }
}
