//! Sixteen numbers of 16 bits: what the kernels of this module are written over, and how plain Rust does it.

use super::number::{from_half, round, to_half};
use crate::conv::columns::Column;
use crate::conv::product::Operands;

/// A block of sixteen values. All methods are unsafe because an implementation needs its CPU features;
/// pointers must be valid for the values read or written, at any alignment.
pub trait Lanes: Column<Value = u16> {
    /// Whether tiles of many columns are worth their code.
    const WIDE: bool = true;

    /// All zero.
    unsafe fn zero() -> Self;
    /// Sixteen values to `to`.
    unsafe fn store(self, to: *mut u16);
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// The smaller of each pair; NaN if one of them is.
    unsafe fn min(self, other: Self) -> Self;
    /// The nearest of sixteen floats.
    unsafe fn narrow(from: *const f32) -> Self;
    /// The values as floats, to `to`.
    unsafe fn widen(self, to: *mut f32);
    /// The sums of `P` pixels (1, 4 or 8), each product added to those before in the order of the inputs.
    unsafe fn sums<const P: usize>(o: &Operands<u16>) -> [Self; P];
}

/// The portable implementation: the same numbers to the bit. Nothing that is long is inlined: it is for tests, and the
/// tiles are unrolled many times.
#[derive(Clone, Copy)]
pub struct Plain([f32; 16]);

/// Exact in 53 bits as long as the result is finite in 16, so that it is rounded once.
#[inline(never)]
fn fma(a: &Plain, b: &Plain, summand: &Plain) -> Plain {
    let exact = |i: usize| f64::from(a.0[i]) * f64::from(b.0[i]) + f64::from(summand.0[i]);
    Plain(std::array::from_fn(|i| round(exact(i)) as f32))
}

#[inline(never)]
fn load(from: &[u16; 16]) -> Plain {
    Plain(from.map(from_half))
}

#[inline(never)]
fn store(values: &Plain, to: &mut [u16; 16]) {
    *to = values.0.map(to_half);
}

impl Column for Plain {
    type Value = u16;
    const ZEROS: &'static [u16; 16] = &[0; 16];

    #[inline(always)]
    unsafe fn load(from: *const u16) -> Self {
        // SAFETY: the caller vouches for sixteen values; an array of u16 has u16's alignment.
        load(unsafe { &*from.cast::<[u16; 16]>() })
    }
    #[inline(always)]
    unsafe fn load_of_group<const FAN: usize, const J: usize>(from: *const u16) -> Self {
        // SAFETY: as for `load`.
        let all = unsafe { Self::load(from) };
        Self(std::array::from_fn(|i| all.0[i / FAN * FAN + J]))
    }
    #[inline(always)]
    unsafe fn fma(self, factor: Self, summand: Self) -> Self {
        fma(&self, &factor, &summand)
    }
}

impl Lanes for Plain {
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 16])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u16) {
        // SAFETY: as for `load`.
        store(&self, unsafe { &mut *to.cast::<[u16; 16]>() });
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        fma(&self, &Self([1.0; 16]), &other)
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        let smaller = |a: f32, b: f32| if a < b || a.is_nan() { a } else { b };
        Self(std::array::from_fn(|i| smaller(self.0[i], other.0[i])))
    }
    #[inline(always)]
    unsafe fn narrow(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        Self(unsafe { from.cast::<[f32; 16]>().read() }.map(|x| round(f64::from(x)) as f32))
    }
    #[inline(always)]
    unsafe fn widen(self, to: *mut f32) {
        // SAFETY: the caller vouches for sixteen values.
        unsafe { to.cast::<[f32; 16]>().write(self.0) };
    }
    #[inline(always)]
    unsafe fn sums<const P: usize>(o: &Operands<u16>) -> [Self; P] {
        // SAFETY: `P` pixels of each input block, the weights of all, and the start, by the caller's promise.
        unsafe {
            let mut sums = [Self::load(o.start); P];
            for input in 0..o.inputs * 16 {
                let weights = Self::load(o.weights.add(input * 16));
                let x = o.x.add(input / 16 * o.x_stride + input % 16);
                for (p, sum) in sums.iter_mut().enumerate() {
                    let value = Self([from_half(*x.add(p * 16)); 16]);
                    *sum = value.fma(weights, *sum);
                }
            }
            sums
        }
    }
}
