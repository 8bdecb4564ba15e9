//! 1:1 verification: mated and non-mated scores to error and rates, with exact thresholds.

use serde::Serialize;

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Cosine similarity.
    pub score: f32,
    /// Whether both pictures show the same person.
    pub mated: bool,
}

/// How well scores tell mated pairs from non-mated ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Mated pairs.
    pub mated: usize,
    /// Non-mated pairs.
    pub non_mated: usize,
    /// Mean score of the mated pairs.
    pub mated_mean: f32,
    /// Mean score of the non-mated pairs.
    pub non_mated_mean: f32,
    /// Share of wrong decisions at the threshold that is best on these very pairs.
    pub error: f64,
    /// That threshold: a pair is accepted at or above it.
    pub threshold: f32,
    /// Share of mated pairs accepted where at most one in 100 non-mated ones is.
    pub tar_at_far_1e2: f64,
    /// Share of mated pairs accepted where at most one in 1,000 non-mated ones is.
    pub tar_at_far_1e3: f64,
}

/// Works the figures out; `None` unless there are both kinds of pairs and every score is a number.
pub fn verification(pairs: &[Scored]) -> Option<Verification> {
    let of =
        |mated: bool| -> Vec<f32> { pairs.iter().filter(|p| p.mated == mated).map(|p| p.score).collect() };
    let (mated, mut others) = (of(true), of(false));
    if mated.is_empty() || others.is_empty() || pairs.iter().any(|p| !p.score.is_finite()) {
        return None;
    }
    others.sort_by(|a, b| b.total_cmp(a));
    let (error, threshold) = best_threshold(pairs);
    let mean = |s: &[f32]| (s.iter().map(|x| f64::from(*x)).sum::<f64>() / s.len() as f64) as f32;
    Some(Verification {
        mated: mated.len(),
        non_mated: others.len(),
        mated_mean: mean(&mated),
        non_mated_mean: mean(&others),
        error,
        threshold,
        tar_at_far_1e2: tar(&mated, &others, 100),
        tar_at_far_1e3: tar(&mated, &others, 1000),
    })
}

/// Lowest share of wrong decisions over all thresholds, and the threshold.
fn best_threshold(pairs: &[Scored]) -> (f64, f32) {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    // Above every score nothing is accepted: all mated pairs are wrong.
    let mut wrong = sorted.iter().filter(|p| p.mated).count();
    let mut best = (wrong, f32::INFINITY);
    for (i, pair) in sorted.iter().enumerate() {
        if pair.mated {
            wrong -= 1
        } else {
            wrong += 1
        }
        let ends_tie = sorted.get(i + 1).is_none_or(|next| next.score < pair.score);
        if ends_tie && wrong < best.0 {
            best = (wrong, pair.score);
        }
    }
    (best.0 as f64 / pairs.len() as f64, best.1)
}

/// Share of mated scores above the highest threshold that lets one in `one_in` others pass; `others` falls.
fn tar(mated: &[f32], others: &[f32], one_in: usize) -> f64 {
    let limit = others[others.len() / one_in];
    mated.iter().filter(|score| **score > limit).count() as f64 / mated.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(mated: &[f32], others: &[f32]) -> Vec<Scored> {
        let of =
            |scores: &[f32], mated| scores.iter().map(|s| Scored { score: *s, mated }).collect::<Vec<_>>();
        [of(mated, true), of(others, false)].concat()
    }

    #[test]
    fn worked_out_by_hand() {
        let v = verification(&pairs(&[0.9, 0.8, 0.7, 0.3], &[0.75, 0.2, 0.1, 0.0])).unwrap();
        // At 0.7: 0.3 is rejected and 0.75 accepted, 2 of 8; at 0.8 only two mated are rejected, 2 of 8;
        // at 0.3: only 0.75 is wrong, 1 of 8.
        assert_eq!((v.error, v.threshold), (0.125, 0.3));
        // One in 100 of four is none: only scores above 0.75.
        assert_eq!((v.tar_at_far_1e2, v.tar_at_far_1e3), (0.5, 0.5));
        assert!((v.mated_mean - 0.675).abs() < 1e-6 && (v.non_mated_mean - 0.2625).abs() < 1e-6);
    }

    #[test]
    fn equal_scores_cannot_be_told_apart() {
        let v = verification(&pairs(&[0.5; 4], &[0.5; 4])).unwrap();
        assert_eq!((v.error, v.tar_at_far_1e2), (0.5, 0.0));
    }

    #[test]
    fn one_kind_of_pairs_or_nan_is_no_figure() {
        assert_eq!(verification(&pairs(&[0.5], &[])), None);
        assert_eq!(verification(&pairs(&[f32::NAN], &[0.5])), None);
    }
}
