//! Which piece of memory each map lives in: pieces are used again as soon as nothing needs their map any more.

use std::ops::Range;

/// A map's length in values, and the steps that write it first and read it last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub length: usize,
    pub first: usize,
    pub last: usize,
}

/// A range for each map, such that maps whose lives overlap do not; and the length of all.
///
/// Longest first, each at the lowest place that is free during its life.
pub(super) fn place(lives: &[Life]) -> (Vec<Range<usize>>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&map| std::cmp::Reverse(lives[map].length));
    let mut places: Vec<Range<usize>> = vec![0..0; lives.len()];
    for (rank, &map) in order.iter().enumerate() {
        let life = lives[map];
        let met = |&&other: &&usize| lives[other].first <= life.last && life.first <= lives[other].last;
        let mut taken: Vec<_> = order[..rank].iter().filter(met).map(|&o| places[o].clone()).collect();
        taken.sort_by_key(|range| range.start);
        let mut start = 0;
        for range in taken {
            if range.start >= start + life.length {
                break;
            }
            start = start.max(range.end);
        }
        places[map] = start..start + life.length;
    }
    let end = places.iter().map(|range| range.end).max().unwrap_or(0);
    (places, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn maps_that_live_together_lie_apart(
            lives in prop::collection::vec((1usize..50, 0usize..30, 0usize..6), 0..40)
        ) {
            let lives: Vec<Life> =
                lives.iter().map(|&(length, first, more)| Life { length, first, last: first + more }).collect();
            let (places, end) = place(&lives);
            for (i, a) in lives.iter().enumerate() {
                prop_assert_eq!(places[i].len(), a.length);
                prop_assert!(places[i].end <= end);
                for (j, b) in lives.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart = places[i].end <= places[j].start || places[j].end <= places[i].start;
                    prop_assert!(!together || apart, "{:?} {:?}", places[i], places[j]);
                }
            }
        }
    }

    #[test]
    fn a_chain_takes_its_two_largest_neighbours() {
        let chain: Vec<Life> = [4, 8, 2, 8]
            .iter()
            .enumerate()
            .map(|(i, &length)| Life { length, first: i, last: i + 1 })
            .collect();
        assert_eq!(place(&chain).1, 12);
    }
}
