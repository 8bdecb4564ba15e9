//! Errors against the share of pictures that the quality score rejects.

use crate::evaluate::{PairFigures, Rate};

/// Shares that are rejected.
const SHARES: [f64; 7] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];

/// What is left when the pairs of the lowest quality are rejected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejected {
    /// The share of pairs that is rejected.
    pub share: f64,
    /// The quality score from which on pairs are kept.
    pub quality: f32,
    /// Wrong decisions of those that are left, at the thresholds of the fold rule.
    pub wrong: Rate,
}

/// The pairs in which both faces have a quality score, the lower one counting, are rejected from the worst on. Empty
/// where there are none: crops that were aligned by others have no score.
pub fn rejection(figures: &PairFigures) -> Vec<Rejected> {
    let mut pairs: Vec<(f32, bool)> = Vec::new();
    for pair in &figures.scored {
        let accepted = pair.scored.score >= figures.thresholds[pair.fold];
        pairs.extend(pair.quality.map(|quality| (quality, accepted != pair.scored.mated)));
    }
    if pairs.is_empty() {
        return Vec::new();
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let one = |share: f64| {
        let left = &pairs[(share * pairs.len() as f64) as usize..];
        let count = left.iter().filter(|(_, wrong)| *wrong).count() as u64;
        Rejected { share, quality: left[0].0, wrong: Rate { count, trials: left.len() as u64 } }
    };
    SHARES.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Folded, pair_figures};
    use crate::metrics::Scored;

    #[test]
    fn the_worst_pairs_go_first() {
        // Twenty pairs in two folds; the two of the lowest quality are decided wrongly.
        let pair = |i: usize| {
            let mated = i.is_multiple_of(2);
            let right = if mated { 0.9 } else { 0.1 };
            let score = if i < 2 { 1.0 - right } else { right };
            Folded { scored: Scored { score, mated }, fold: i / 2 % 2, quality: Some(i as f32 / 20.0) }
        };
        let figures = pair_figures(&(0..20).map(pair).collect::<Vec<_>>()).unwrap();
        let found = rejection(&figures);
        assert_eq!((found[0].wrong.count, found[0].wrong.trials), (2, 20));
        let tenth = found.iter().find(|r| r.share == 0.1).unwrap();
        assert_eq!((tenth.wrong.count, tenth.wrong.trials, tenth.quality), (0, 18, 0.1));
        let without = pair_figures(&(0..20).map(|i| Folded { quality: None, ..pair(i) }).collect::<Vec<_>>());
        assert!(rejection(&without.unwrap()).is_empty());
    }
}
