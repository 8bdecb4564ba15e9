//! What the products of pairs are written over: sixteen values that can be rounded into pairs and multiplied with them.

use crate::conv::lanes::{Lanes, Plain};

/// [`Lanes`] with bfloat16. All methods are unsafe because an implementation needs its CPU features; pointers must be
/// valid for what is read or written, at any alignment.
pub trait Pairs: Lanes {
    /// Sixteen pairs, as factors.
    type Factors: Copy;

    /// The values rounded, each with its neighbour: eight pairs.
    unsafe fn store_rounded(self, to: *mut u32);
    /// The values rounded, each with the other's at its place: sixteen pairs.
    unsafe fn store_paired(self, other: Self, to: *mut u32);
    /// Sixteen pairs at `from`.
    unsafe fn factors(from: *const u32) -> Self::Factors;
    /// Adds to each value both products of its pair of `factors` with the pair at `x`.
    unsafe fn dot(self, factors: Self::Factors, x: *const u32) -> Self;
}

/// The nearest bfloat16, ties to even, as bits: a float's upper half. A NaN stays one.
pub fn round(x: f32) -> u16 {
    let bits = x.to_bits();
    let even = bits >> 16 & 1;
    let rounded = bits.wrapping_add(0x7fff + even) >> 16;
    // A NaN's fraction may have rounded away.
    (if x.is_nan() { bits >> 16 | 0x40 } else { rounded }) as u16
}

/// Both numbers of a pair.
fn both(pair: u32) -> [f32; 2] {
    [f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000)]
}

impl Pairs for Plain {
    type Factors = [u32; 16];

    #[inline(always)]
    unsafe fn store_rounded(self, to: *mut u32) {
        for (i, pair) in self.0.chunks_exact(2).enumerate() {
            // SAFETY: the caller vouches for eight pairs.
            unsafe { *to.add(i) = u32::from(round(pair[0])) | u32::from(round(pair[1])) << 16 };
        }
    }
    #[inline(always)]
    unsafe fn store_paired(self, other: Self, to: *mut u32) {
        for (i, (first, second)) in self.0.into_iter().zip(other.0).enumerate() {
            // SAFETY: the caller vouches for sixteen pairs.
            unsafe { *to.add(i) = u32::from(round(first)) | u32::from(round(second)) << 16 };
        }
    }
    #[inline(always)]
    unsafe fn factors(from: *const u32) -> [u32; 16] {
        // SAFETY: the caller vouches for sixteen pairs; an array of u32 has u32's alignment.
        unsafe { from.cast::<[u32; 16]>().read() }
    }
    #[inline(always)]
    unsafe fn dot(self, factors: [u32; 16], x: *const u32) -> Self {
        // SAFETY: the caller vouches for a pair.
        let x = both(unsafe { *x });
        let one = |i: usize| {
            let factor = both(factors[i]);
            self.0[i] + factor[1] * x[1] + factor[0] * x[0]
        };
        Self(std::array::from_fn(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_by_hand() {
        let exact = [0.0, -0.0, 1.0, -1.5, 1.0078125, 3.0e38, f32::INFINITY];
        for x in exact.map(|x| f32::from_bits(x.to_bits() & 0xffff_0000)) {
            assert_eq!(both(u32::from(round(x)))[0].to_bits(), x.to_bits());
        }
        // A step above 1 is 2^-7: halves of it go to the even neighbour.
        let step = 0.007_812_5_f32;
        let rounded = |x: f32| f32::from_bits(u32::from(round(x)) << 16);
        assert_eq!(rounded(1.0 + step / 2.0), 1.0);
        assert_eq!(rounded((1.0 + step / 2.0).next_up()), 1.0 + step);
        assert_eq!(rounded(1.0 + 1.5 * step), 1.0 + 2.0 * step);
        assert_eq!(rounded(f32::MAX), f32::INFINITY);
        assert!(rounded(f32::NAN).is_nan() && rounded(f32::from_bits(0x7f80_0001)).is_nan());
    }
}
