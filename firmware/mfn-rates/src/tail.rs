//! How rare high similarities of different people are: what was measured, and an extrapolation that says so.

use serde::{Deserialize, Serialize};

/// The 5 % point of the normal distribution.
const Z_LOW: f64 = -1.644_853_626_951_473;
/// The part of the scores that the tail is fitted to.
const SHARE: f64 = 0.05;
/// Fewest scores in the tail: under that its mean says nothing.
const LEAST: usize = 5;

/// The upper tail of the scores of approaches by one person to the references of another.
///
/// Above `start`, similarities are taken to fall off exponentially (peaks over a threshold with shape 0:
/// Pickands 1975; the scores of unrelated faces fall faster, like a normal distribution). `excess` is the
/// upper 95 % limit of the mean excess over `start` (chi-square interval of an exponential mean), so that few
/// data give a higher threshold. What lies beyond the highest measured score is extrapolation, whatever the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Where the tail begins.
    pub start: f64,
    /// The part of the scores above it.
    pub share: f64,
    /// Upper 95 % limit of the mean excess over the start.
    pub excess: f64,
}

impl Tail {
    /// Fits the tail of scores; `independent` is the number of people that they come from. None for fewer
    /// than a hundred scores.
    pub fn fit(scores: &[f32], independent: u64) -> Option<Tail> {
        let mut sorted: Vec<f64> = scores.iter().filter(|s| s.is_finite()).map(|s| f64::from(*s)).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let count = (SHARE * sorted.len() as f64) as usize;
        if count < LEAST {
            return None;
        }
        let start = sorted[count];
        let mean = sorted[..count].iter().map(|score| score - start).sum::<f64>() / count as f64;
        let degrees = 2.0 * (count as f64).min(independent.max(1) as f64);
        let excess = degrees * mean / chi_square_5(degrees);
        Some(Tail { start, share: count as f64 / sorted.len() as f64, excess })
    }

    /// The threshold at which a stranger's approach is taken for one of `people` with the probability
    /// `target` (FPIR). Not under the start of the tail.
    pub fn threshold(&self, people: usize, target: f64) -> f64 {
        let rate = pair_rate(people, target).min(self.share);
        self.start + self.excess * (self.share / rate).ln()
    }
}

/// The rate at which an approach may be taken for one given person (FMR after the vote), when among `people`
/// of them the probability of any is to be `target`: 1 - (1 - target)^(1 / people).
pub fn pair_rate(people: usize, target: f64) -> f64 {
    // ln_1p and exp_m1 keep the digits of small rates.
    -((-target).ln_1p() / people.max(1) as f64).exp_m1()
}

/// The 5 % point of the chi-square distribution (Wilson and Hilferty 1931); within 0.2 % from 12 degrees of
/// freedom, too low, that is on the safe side, under that.
fn chi_square_5(degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + Z_LOW * spread.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within * b.abs()
    }

    /// scipy.stats.chi2.ppf(0.05, [2, 12, 40, 200]).
    #[test]
    fn chi_square_as_tables_have_it() {
        for (degrees, wanted) in [(12.0, 5.226_03), (40.0, 26.509_30), (200.0, 168.278_55)] {
            assert!(near(chi_square_5(degrees), wanted, 0.002), "{degrees}");
        }
        assert!(chi_square_5(2.0) < 0.102_59);
    }

    /// 1, 0.99, ... 0.01: the tail are 1 to 0.96 over 0.95, the mean excess 0.03; its upper limit with 10
    /// degrees of freedom is 0.0763063 (numpy, with the same formulas).
    #[test]
    fn a_tail_worked_out_by_hand() {
        let scores: Vec<f32> = (1..=100).map(|i| i as f32 / 100.0).collect();
        let tail = Tail::fit(&scores, 50).unwrap();
        assert!(near(tail.start, 0.95, 1e-6) && near(tail.share, 0.05, 1e-9), "{tail:?}");
        assert!(near(tail.excess, 0.076_306_3, 1e-4), "{tail:?}");
        assert!(near(tail.threshold(1, 0.01), 1.072_810, 1e-4));
        assert!(near(tail.threshold(10, 0.01), 1.248_167, 1e-4));
        assert!(near(tail.threshold(1000, 0.001), 1.775_580, 1e-4));
        assert!(near(tail.threshold(1, 0.9), tail.start, 1e-9), "never under the start");
    }

    #[test]
    fn few_scores_give_no_tail() {
        assert_eq!(Tail::fit(&[0.1; 99], 99), None);
        assert_eq!(Tail::fit(&[f32::NAN; 1000], 99), None);
        assert!(Tail::fit(&[0.1; 100], 99).is_some());
    }

    #[test]
    fn small_rates_keep_their_digits() {
        assert!(near(pair_rate(1000, 0.001), 1.000_499_8e-6, 1e-6));
        assert!(near(pair_rate(0, 0.25), 0.25, 1e-12));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// More people, a stricter target, or fewer people behind the data: a higher threshold.
        #[test]
        fn thresholds_rise_with_what_is_asked(
            scores in proptest::collection::vec(-0.3_f32..0.6, 100..400),
            people in 1_usize..10_000,
            target in 1e-6_f64..0.05,
            independent in 2_u64..300,
        ) {
            let tail = Tail::fit(&scores, independent).unwrap();
            let threshold = tail.threshold(people, target);
            prop_assert!(threshold.is_finite());
            prop_assert!(tail.threshold(people + 1, target) >= threshold);
            prop_assert!(tail.threshold(people, target / 2.0) >= threshold);
            let fewer = Tail::fit(&scores, independent / 2).unwrap();
            prop_assert!(fewer.threshold(people, target) >= threshold);
        }
    }
}
