//! Thresholds for the false match rates that doors are run at, with what the comparisons can support.

use super::held_out::Comparisons;
use crate::evaluate::ErrorRates;
use anyhow::{Context, Result, anyhow};
use mfn_engine::Thresholds;
use mfn_rates::Tail;

/// The rates, as the manifest has them.
const FMRS: [f64; 3] = [1e-3, 1e-4, 1e-5];
/// A rate is read off the comparisons where so many false matches can be expected at it (the rule of three: with fewer,
/// none at all would be no surprise); under that its threshold is extrapolated.
const EXPECTED: f64 = 3.0;
/// Lower and higher ones make no door: the range of the kiosk's `decision.threshold`.
const RANGE: [f64; 2] = [0.05, 0.95];
/// Digits of thresholds: finer than any interval.
const DIGITS: f64 = 1e4;

/// A threshold and what was seen at it.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// The false match rate that is wanted.
    pub wanted: f64,
    /// Whether there are too few comparisons to see it: then the threshold follows from the fitted tail.
    pub extrapolated: bool,
    /// The threshold, and FMR and FNMR there.
    pub rates: ErrorRates,
}

/// A level for each rate.
///
/// # Errors
/// When there are too few comparisons of different people.
pub fn levels(comparisons: &Comparisons, people: u64) -> Result<[Level; 3]> {
    let tail = Tail::fit(&comparisons.non_mated, people);
    let tail = tail.context("there are fewer than 100 comparisons of different people")?;
    let [mut lowest, highest] = RANGE;
    Ok(FMRS.map(|wanted| {
        let extrapolated = wanted * (comparisons.non_mated.len() as f64) < EXPECTED;
        let threshold = match extrapolated {
            true => tail.threshold(1, wanted),
            false => comparisons.all.tar_at_far(wanted).threshold,
        };
        lowest = lowest.max((threshold * DIGITS).ceil() / DIGITS).min(highest);
        Level { wanted, extrapolated, rates: comparisons.all.at(lowest) }
    }))
}

/// What the manifest says of them.
///
/// # Errors
/// When the network tells people apart so badly that these are no thresholds.
pub fn thresholds(levels: &[Level; 3], people: u64) -> Result<Thresholds> {
    let [fmr_1e3, fmr_1e4, fmr_1e5] = levels.map(|level| level.rates.threshold);
    let non_mated = levels[0].rates.fmr.trials;
    let thresholds = Thresholds { fmr_1e3, fmr_1e4, fmr_1e5, non_mated, people };
    thresholds.check().map_err(|e| anyhow!("what was measured gives no thresholds: {e}"))?;
    Ok(thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Tally;
    use std::collections::BTreeMap;

    #[test]
    fn read_off_where_it_can_be_and_extrapolated_where_not() {
        let (mut all, mut non_mated) = (Tally::default(), Vec::new());
        // 20,000 comparisons, evenly from 0 to 0.5: one in a thousand lies over 0.4995.
        for i in 0..20_000 {
            let score = i as f32 / 40_000.0;
            all.add(score, false);
            non_mated.push(score);
        }
        (0..10).for_each(|i| all.add(0.45 + 0.05 * i as f32, true));
        let found = levels(&Comparisons { all, sources: BTreeMap::new(), non_mated }, 100).unwrap();
        assert_eq!(found.map(|l| l.extrapolated), [false, true, true]);
        assert!((found[0].rates.threshold - 0.4995).abs() < 2e-4, "{found:?}");
        assert!(found[0].rates.fmr.share() <= 1e-3);
        assert_eq!((found[0].rates.fnmr.count, found[0].rates.fnmr.trials), (1, 10));
        let manifest = thresholds(&found, 100).unwrap();
        assert!(manifest.fmr_1e3 < manifest.fmr_1e4 && manifest.fmr_1e4 < manifest.fmr_1e5);
        assert_eq!((manifest.non_mated, manifest.people), (20_000, 100));
    }
}
