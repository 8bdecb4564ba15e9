//! Searches: ranks in a closed set, and FPIR and FNIR in an open one.

use super::Rate;
use super::outcome::OpenSetFigures;

/// How often each probe is beaten, while the gallery streams by.
pub struct Ranks {
    /// The highest score with a picture of the same person, of each probe.
    best_mated: Vec<f32>,
    /// How many pictures of others are at least as similar.
    before: Vec<u64>,
}

impl Ranks {
    /// Begins with the best mated score of each probe; minus infinity where the gallery has none.
    pub fn new(best_mated: Vec<f32>) -> Self {
        let before = vec![0; best_mated.len()];
        Self { best_mated, before }
    }

    /// Counts one comparison of a probe with a picture of another person.
    pub fn add(&mut self, probe: usize, score: f32) {
        self.before[probe] += u64::from(score >= self.best_mated[probe]);
    }

    /// Probes with a picture of the same person among the first `rank`.
    pub fn rate(&self, rank: u64) -> Rate {
        let hit = |(best, before): &(&f32, &u64)| best.is_finite() && **before < rank;
        let count = self.best_mated.iter().zip(&self.before).filter(hit).count();
        Rate { count: count as u64, trials: self.best_mated.len() as u64 }
    }
}

/// What one search returned: the score of the first candidate, and whether it is the right person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// Score of the best candidate.
    pub score: f32,
    /// Whether that candidate is the person searched for; never in a non-mated search.
    pub right: bool,
}

/// FNIR at the lowest threshold whose FPIR is at most `wanted`: a candidate counts at or above the threshold.
pub fn open_set(enrolled: usize, wanted: f64, mated: &[Search], non_mated: &[Search]) -> OpenSetFigures {
    let mut scores: Vec<f32> = non_mated.iter().map(|s| s.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let allowed = (wanted * scores.len() as f64 + 1e-9) as usize;
    // Just above the first search that must not return anybody.
    let threshold = scores.get(allowed).map_or(-1.0, |s| s.next_up());
    let passed = scores.iter().filter(|s| **s >= threshold).count();
    let missed = mated.iter().filter(|s| !(s.right && s.score >= threshold)).count();
    OpenSetFigures {
        enrolled,
        wanted_fpir: wanted,
        fpir: Rate { count: passed as u64, trials: scores.len() as u64 },
        fnir: Rate { count: missed as u64, trials: mated.len() as u64 },
        threshold: f64::from(threshold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_worked_out_by_hand() {
        // Probe 0 beats all; probe 1 is beaten once; probe 2 five times; probe 3 has nobody in the gallery.
        let mut ranks = Ranks::new(vec![0.9, 0.5, 0.1, f32::NEG_INFINITY]);
        for (probe, scores) in
            [(0, vec![0.8, 0.2]), (1, vec![0.6, 0.4]), (2, vec![0.2, 0.3, 0.1, 0.4, 0.5, 0.0])]
        {
            scores.into_iter().for_each(|s| ranks.add(probe, s));
        }
        assert_eq!(ranks.rate(1), Rate { count: 1, trials: 4 });
        assert_eq!(ranks.rate(2), Rate { count: 2, trials: 4 });
        // Equal scores (0.1) count against the probe: five are before it.
        assert_eq!(ranks.rate(5), Rate { count: 2, trials: 4 });
        assert_eq!(ranks.rate(6), Rate { count: 3, trials: 4 });
    }

    #[test]
    fn open_set_worked_out_by_hand() {
        let search = |score, right| Search { score, right };
        let mated = [search(0.9, true), search(0.7, true), search(0.8, false), search(0.4, true)];
        let non_mated = [search(0.6, false), search(0.3, false), search(0.2, false), search(0.1, false)];
        // None may pass: above 0.6 are 0.9 and 0.7; the wrong candidate at 0.8 is a miss like 0.4.
        let figures = open_set(10, 0.0, &mated, &non_mated);
        assert_eq!((figures.fpir.count, figures.fnir.count), (0, 2));
        // One of four may pass: above 0.3.
        let figures = open_set(10, 0.25, &mated, &non_mated);
        assert_eq!((figures.fpir.count, figures.fnir.count), (1, 1));
        assert_eq!(open_set(10, 1.0, &mated, &non_mated).fpir.count, 4);
    }
}
