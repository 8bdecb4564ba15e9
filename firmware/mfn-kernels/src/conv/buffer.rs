//! Memory for weights and maps that begins at a cache line's start.

use std::ops::{Deref, DerefMut, Range};

/// f32 values in a cache line, one AVX-512 register.
const LINE: usize = 16;

/// A fixed number of values at a cache line's start: a block that crosses two lines takes two reads.
#[derive(Debug)]
pub struct Buffer {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// `length` zeros.
    #[must_use]
    pub fn new(length: usize) -> Buffer {
        let values = vec![0.0; if length == 0 { 0 } else { length + LINE }];
        // An implementation may refuse to say; then the alignment is only not used.
        let start = values.as_ptr().align_offset(64).min(LINE).min(values.len() - length);
        Buffer { values, start, length }
    }

    /// What belongs to some of the `of` blocks of equal size that the values are; nothing of nothing.
    ///
    /// # Panics
    /// When there are no such blocks.
    #[must_use]
    pub fn part(&self, of: usize, blocks: &Range<usize>) -> Buffer {
        let block = self.length / of;
        let own = &self[blocks.start * block..blocks.end * block];
        let mut part = Buffer::new(own.len());
        part.copy_from_slice(own);
        part
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.length]
    }
}

impl Clone for Buffer {
    /// The copy begins at a line's start too, which may be another offset in its memory.
    fn clone(&self) -> Buffer {
        let mut copy = Buffer::new(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

/// The bytes of f32 memory, in which a byte map may live.
#[must_use]
pub fn bytes(values: &[f32]) -> &[u8] {
    // SAFETY: the same memory for the same time; bytes have no alignment and every bit pattern is one.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// As [`bytes`], to write: every bit pattern is an f32, too.
#[must_use]
pub fn bytes_mut(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: as in `bytes`, and borrowed for writing.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

/// The numbers of 16 bits in f32 memory, in which a map of them may live.
#[must_use]
pub fn halves(values: &[f32]) -> &[u16] {
    // SAFETY: the same memory for the same time; u16 needs less alignment and every bit pattern is one.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), 2 * values.len()) }
}

/// As [`halves`], to write: every bit pattern is an f32, too.
#[must_use]
pub fn halves_mut(values: &mut [f32]) -> &mut [u16] {
    // SAFETY: as in `halves`, and borrowed for writing.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), 2 * values.len()) }
}
