//! All templates, in blocks that the states before and after a change share: whoever is enrolled last
//! costs one block and not all of them.

use crate::compact::Compact;
use crate::rows::Rows;
use std::sync::Arc;

/// Rows of every block but the last; few in this crate's own tests, so that there are several.
const BLOCK: usize = if cfg!(test) { 7 } else { 1024 };
/// Templates from which on the 8-bit copy is worth its memory (a quarter more): below, the exact scan
/// takes some 0.2 ms and stays in the caches.
const LARGE: usize = 4096;

/// Some rows, with their 8-bit copy in a large gallery.
pub(crate) struct Block {
    pub(crate) rows: Rows,
    pub(crate) compact: Option<Compact>,
}

/// The rows of everybody, in sequence.
#[derive(Clone)]
pub(crate) struct Matrix {
    dimension: usize,
    count: usize,
    blocks: Vec<Arc<Block>>,
}

impl Matrix {
    /// No rows.
    pub(crate) fn empty(dimension: usize) -> Matrix {
        Matrix { dimension, count: 0, blocks: Vec::new() }
    }

    /// Values a row.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of rows.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Row `i`.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        self.blocks[i / BLOCK].rows.row(i % BLOCK)
    }

    /// Each block with the number of its first row.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, &Block)> {
        self.blocks.iter().enumerate().map(|(i, block)| (i * BLOCK, &**block))
    }

    /// The first `kept` rows of this one, then others. Whole blocks of the kept rows are shared.
    pub(crate) fn with(&self, kept: usize, others: &[&[f32]]) -> Matrix {
        let count = kept + others.len();
        let mut builder = Builder::new(self.dimension, count, count >= LARGE);
        let shared = self.blocks[..kept / BLOCK].iter();
        let shared = shared.take_while(|block| block.compact.is_some() == builder.large);
        builder.matrix.blocks.extend(shared.map(Arc::clone));
        let first = builder.matrix.blocks.len() * BLOCK;
        (first..kept).for_each(|i| builder.push(self.row(i)));
        others.iter().for_each(|row| builder.push(row));
        builder.finish()
    }
}

/// A matrix that grows row by row.
pub(crate) struct Builder {
    matrix: Matrix,
    /// Most rows that there will be.
    most: usize,
    large: bool,
    /// The block that is being filled, and how much of it is.
    open: Option<(Rows, usize)>,
}

impl Builder {
    /// For at most so many rows: the caller has checked that their size is sensible.
    pub(crate) fn sized(dimension: usize, most: usize) -> Builder {
        Builder::new(dimension, most, most >= LARGE)
    }

    /// As [`Builder::sized`], with or without 8-bit copies.
    pub(crate) fn new(dimension: usize, most: usize, large: bool) -> Builder {
        let blocks = Vec::with_capacity(most.div_ceil(BLOCK));
        Builder { matrix: Matrix { dimension, count: 0, blocks }, most, large, open: None }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[f32]) {
        let left = self.most - self.matrix.blocks.len() * BLOCK;
        let fresh = || (Rows::zeroed(self.matrix.dimension, left.min(BLOCK)), 0);
        let (rows, filled) = self.open.get_or_insert_with(fresh);
        rows.row_mut(*filled).copy_from_slice(row);
        *filled += 1;
        if *filled == BLOCK {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some((mut rows, filled)) = self.open.take() else { return };
        rows.truncate(filled);
        let compact = self.large.then(|| Compact::of(&rows));
        self.matrix.blocks.push(Arc::new(Block { rows, compact }));
    }

    /// The rows that were added.
    pub(crate) fn finish(mut self) -> Matrix {
        self.close();
        let last = self.matrix.blocks.last().map_or(0, |block| block.rows.count());
        self.matrix.count = self.matrix.blocks.len().saturating_sub(1) * BLOCK + last;
        self.matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows_of(matrix: &Matrix) -> Vec<f32> {
        (0..matrix.count()).map(|i| matrix.row(i)[0]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn kept_rows_stay_and_others_follow(count in 0usize..40, kept in any::<prop::sample::Index>(), more in 0usize..30) {
            let rows: Vec<[f32; 2]> = (0..count + more).map(|i| [i as f32, 1.0]).collect();
            let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
            let matrix = Matrix::empty(2).with(0, &rows[..count]);
            let kept = kept.index(count + 1);
            let next = matrix.with(kept, &rows[count..]);
            prop_assert_eq!(rows_of(&matrix), (0..count).map(|i| i as f32).collect::<Vec<_>>());
            let wanted = (0..kept).chain(count..count + more).map(|i| i as f32);
            prop_assert_eq!(rows_of(&next), wanted.collect::<Vec<_>>());
            let shared = matrix.blocks.iter().zip(&next.blocks).take_while(|(a, b)| Arc::ptr_eq(a, b)).count();
            prop_assert_eq!(shared, kept / BLOCK);
        }
    }
}
