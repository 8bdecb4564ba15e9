//! The templates in one block of memory, aligned for the matcher.

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
    /// Row `i`, to be filled.
    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f32] {
        let dimension = self.dimension;
        &mut self.values_mut()[i * dimension..][..dimension]
    }

    /// Forgets the rows from `count` on.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
    }
}
