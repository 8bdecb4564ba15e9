//! Mated and non-mated scores counted in fine bins: any number of comparisons in bounded memory.

use super::Rate;
use serde::Serialize;

/// Bins over scores from -1 to 1: thresholds are exact to 2e-6, at 8 MB a kind.
const BINS: usize = 1 << 20;

/// Counts of scores.
pub struct Tally {
    mated: Vec<u64>,
    non_mated: Vec<u64>,
}

/// The true accept rate at a false accept rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TarAtFar {
    /// The false accept rate that is allowed.
    pub far: f64,
    /// The share of mated comparisons that is then accepted.
    pub tar: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Mated comparisons.
    pub mated: u64,
    /// Non-mated comparisons; with fewer than 1 / far of them the figure says little.
    pub non_mated: u64,
    /// The threshold: accepted is what scores at or above it.
    pub threshold: f64,
}

/// FMR and FNMR at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorRates {
    /// The threshold.
    pub threshold: f64,
    /// Share of non-mated comparisons that are accepted.
    pub fmr: Rate,
    /// Share of mated comparisons that are rejected.
    pub fnmr: Rate,
}

impl Default for Tally {
    fn default() -> Self {
        Self { mated: vec![0; BINS], non_mated: vec![0; BINS] }
    }
}

impl Tally {
    /// Counts one comparison.
    pub fn add(&mut self, score: f32, mated: bool) {
        let place = ((f64::from(score) + 1.0) / 2.0 * BINS as f64) as usize;
        let counts = if mated { &mut self.mated } else { &mut self.non_mated };
        counts[place.min(BINS - 1)] += 1;
    }

    /// Counts all of another tally.
    pub fn merge(&mut self, other: &Tally) {
        let add = |to: &mut [u64], from: &[u64]| to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        add(&mut self.mated, &other.mated);
        add(&mut self.non_mated, &other.non_mated);
    }

    /// How many mated and non-mated comparisons were counted.
    pub fn trials(&self) -> (u64, u64) {
        (self.mated.iter().sum(), self.non_mated.iter().sum())
    }

    /// The true accept rate at the lowest threshold that accepts at most the share `far` of non-mated
    /// comparisons; scores that fall into one bin are accepted together or not at all.
    pub fn tar_at_far(&self, far: f64) -> TarAtFar {
        let (mated, non_mated) = self.trials();
        let allowed = (far * non_mated as f64 + 1e-9) as u64;
        let (mut accepted, mut wrong, mut bin) = (0, 0, BINS);
        while bin > 0 && wrong + self.non_mated[bin - 1] <= allowed {
            bin -= 1;
            wrong += self.non_mated[bin];
            accepted += self.mated[bin];
        }
        let rate = Rate { count: accepted, trials: mated };
        let (tar, interval) = (rate.share(), rate.interval());
        TarAtFar { far, tar, interval, mated, non_mated, threshold: lower_edge(bin) }
    }

    /// FMR and FNMR at a threshold.
    pub fn at(&self, threshold: f64) -> ErrorRates {
        let (mated, non_mated) = self.trials();
        let first = ((threshold + 1.0) / 2.0 * BINS as f64).ceil().clamp(0.0, BINS as f64) as usize;
        let accepted: u64 = self.mated[first..].iter().sum();
        let wrong: u64 = self.non_mated[first..].iter().sum();
        ErrorRates {
            threshold,
            fmr: Rate { count: wrong, trials: non_mated },
            fnmr: Rate { count: mated - accepted, trials: mated },
        }
    }

    /// FMR and FNMR wherever one of them changes, highest threshold first.
    pub fn curve(&self) -> Vec<ErrorRates> {
        let (mated, non_mated) = self.trials();
        let (mut accepted, mut wrong, mut curve) = (0, 0, Vec::new());
        for bin in (0..BINS).rev().filter(|b| self.mated[*b] + self.non_mated[*b] > 0) {
            accepted += self.mated[bin];
            wrong += self.non_mated[bin];
            curve.push(ErrorRates {
                threshold: lower_edge(bin),
                fmr: Rate { count: wrong, trials: non_mated },
                fnmr: Rate { count: mated - accepted, trials: mated },
            });
        }
        curve
    }

    /// Where FMR and FNMR are nearest to each other; `None` unless there are both kinds.
    pub fn equal_error(&self) -> Option<ErrorRates> {
        let (mated, non_mated) = self.trials();
        let distance = |e: &ErrorRates| (e.fmr.share() - e.fnmr.share()).abs();
        let nearest = |a: &ErrorRates, b: &ErrorRates| distance(a).total_cmp(&distance(b));
        self.curve().into_iter().min_by(nearest).filter(|_| mated > 0 && non_mated > 0)
    }
}

fn lower_edge(bin: usize) -> f64 {
    2.0 * bin as f64 / BINS as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        for score in [0.9, 0.8, 0.7, 0.3] {
            tally.add(score, true);
        }
        for score in [0.75, 0.2, 0.1, 0.0] {
            tally.add(score, false);
        }
        tally
    }

    #[test]
    fn rates_worked_out_by_hand() {
        let tally = tally();
        // No false accept: above 0.75 are 0.9 and 0.8. One of four: down to above 0.2 all four.
        assert_eq!(tally.tar_at_far(0.0).tar, 0.5);
        assert_eq!(tally.tar_at_far(0.25).tar, 1.0);
        assert!((tally.tar_at_far(0.0).threshold - 0.75).abs() < 1e-5);
        let curve = tally.curve();
        assert_eq!(curve.len(), 8);
        let at = |i: usize| (curve[i].fmr.count, curve[i].fnmr.count);
        assert_eq!(
            [at(0), at(1), at(2), at(3), at(4), at(7)],
            [(0, 3), (0, 2), (1, 2), (1, 1), (1, 0), (4, 0)]
        );
        let equal = tally.equal_error().unwrap();
        assert_eq!((equal.fmr.count, equal.fnmr.count), (1, 1));
    }

    #[test]
    fn parts_add_up_and_ends_fit() {
        let (mut a, mut b) = (Tally::default(), Tally::default());
        a.add(1.0, true);
        b.add(-1.0, false);
        a.merge(&b);
        assert_eq!(a.trials(), (1, 1));
        assert_eq!(a.tar_at_far(0.0).tar, 1.0);
        assert!(Tally::default().equal_error().is_none());
    }
}
