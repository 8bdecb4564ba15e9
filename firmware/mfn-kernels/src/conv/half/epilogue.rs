//! What happens to a tile of sums, which began with the bias, while it is still in registers.

use super::lanes::Lanes;

/// PReLU if there are slopes, then the residual if there is one.
pub struct Finish {
    /// Output of the first block and pixel.
    pub out: *mut u16,
    /// Values between two blocks of output and residual.
    pub stride: usize,
    /// PReLU's slopes minus 1, one a channel, or null.
    pub bend: *const u16,
    /// What is added at the end, laid out as the output, or null.
    pub residual: *const u16,
}

impl Finish {
    /// Takes the sums of `P` pixels, from `pixel` on, of an output block.
    ///
    /// # Safety
    /// The CPU has `V`'s features, and the pointers hold this block and these pixels.
    #[inline(always)]
    pub unsafe fn tile<V: Lanes, const P: usize>(&self, mut y: [V; P], block: usize, pixel: usize) {
        let at = block * self.stride + pixel * 16;
        // SAFETY: the caller's promise; null pointers are not read.
        unsafe {
            if !self.bend.is_null() {
                let (bend, zero) = (V::load(self.bend.add(block * 16)), V::zero());
                for y in &mut y {
                    *y = y.min(zero).fma(bend, *y);
                }
            }
            if !self.residual.is_null() {
                for (p, y) in y.iter_mut().enumerate() {
                    *y = y.add(V::load(self.residual.add(at + p * 16)));
                }
            }
            for (p, y) in y.iter().enumerate() {
                y.store(self.out.add(at + p * 16));
            }
        }
    }
}
