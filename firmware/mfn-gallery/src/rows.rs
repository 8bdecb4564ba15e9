//! The templates in one block of memory, aligned for the matcher.

use mfn_template::Template;
use std::ops::Range;

/// Cache line of every CPU we run on; an unaligned 64-byte load costs two of them.
const ALIGNMENT: usize = 64;

/// Rows of `dimension` values one behind the other, the first on a cache line's boundary.
pub(crate) struct Rows<T = f32> {
    /// The values, with `start` unused ones before them.
    buffer: Vec<T>,
    start: usize,
    dimension: usize,
    count: usize,
}

impl<T: Copy + Default> Rows<T> {
    /// Rows of zeros, to be filled. The caller has checked that their size is sensible.
    pub(crate) fn zeroed(dimension: usize, count: usize) -> Rows<T> {
        let spare = ALIGNMENT / size_of::<T>();
        let buffer = vec![T::default(); dimension * count + spare];
        let start = buffer.as_ptr().align_offset(ALIGNMENT).min(spare);
        Rows { buffer, start, dimension, count }
    }

    /// Values a row.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of rows.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// All values.
    pub(crate) fn values(&self) -> &[T] {
        &self.buffer[self.start..][..self.dimension * self.count]
    }

    /// All values, to be filled.
    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        &mut self.buffer[self.start..][..self.dimension * self.count]
    }

    /// Row `i`.
    pub(crate) fn row(&self, i: usize) -> &[T] {
        &self.values()[i * self.dimension..][..self.dimension]
    }
}

impl Rows<f32> {
    /// A copy with the rows `gap` replaced by templates.
    pub(crate) fn replaced<'a>(
        &self,
        gap: Range<usize>,
        new: impl ExactSizeIterator<Item = &'a Template>,
    ) -> Rows {
        let mut rows = Rows::zeroed(self.dimension, self.count - gap.len() + new.len());
        let (before, rest) = rows.values_mut().split_at_mut(gap.start * self.dimension);
        let (middle, after) = rest.split_at_mut(new.len() * self.dimension);
        before.copy_from_slice(&self.values()[..gap.start * self.dimension]);
        after.copy_from_slice(&self.values()[gap.end * self.dimension..]);
        for (row, template) in middle.chunks_exact_mut(self.dimension).zip(new) {
            row.copy_from_slice(template.values());
        }
        rows
    }
}
