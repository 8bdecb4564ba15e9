//! Sixteen i32 sums of products of bytes, as the registers of an instruction set: what the int8 kernels are written
//! over.

use crate::conv::columns::Column;
use crate::conv::lanes::{Lanes, Plain};

/// Where the weight of output `o` (of sixteen) and input `i` (of four) lies among the 64 that one step uses.
pub type Place = fn(o: usize, i: usize) -> usize;

/// `[16 outputs][4 inputs]`.
pub fn quads(o: usize, i: usize) -> usize {
    o * 4 + i
}

/// A block of sixteen sums. All methods are unsafe because an implementation needs its CPU features; pointers must be
/// valid for what is read or written, at any alignment.
pub trait Sums: Copy {
    /// A stored byte is the grid's number (-128 to 127) plus this, modulo 256: 0 or 128.
    const OFFSET: i32;
    /// Order of the weights.
    const PLACE: Place;
    /// Whether 1x1 convolutions have sixteen inputs of an output side by side instead.
    const ROWS: bool = false;
    /// Weights take so many registers that those of one block are used up before the next one's are loaded.
    const FEW_FACTORS: bool = false;
    /// The same block in floats.
    type Floats: Lanes;
    /// Sixteen channels of a pixel, each four of which can be factors of a whole block.
    type Quads: Copy;
    /// 64 weights.
    type Factors: Copy;
    /// Four pixels of a block.
    type Window: Copy;

    /// Sixteen sums at `from`.
    unsafe fn load(from: *const i32) -> Self;
    /// Prepares sixteen bytes at `from`.
    unsafe fn quads(from: *const u8) -> Self::Quads;
    /// Prepares 64 weights at `from`.
    unsafe fn factors(from: *const i8) -> Self::Factors;
    /// Adds to each sum its four weights times the quad `L`.
    unsafe fn dot<const L: usize>(self, factors: Self::Factors, quads: Self::Quads) -> Self;
    /// Four pixels at `from`, in each group of `FAN` (1, 2 or 4) channels the `J`-th for all.
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> Self::Window;
    /// Adds to each sum its four weights times its channel's four pixels.
    unsafe fn dot_window(self, factors: Self::Factors, window: Self::Window) -> Self;
    /// The sums in floats.
    unsafe fn floats(self) -> Self::Floats;
    /// The sums in floats times `scale`, plus the sixteen values at `bias`.
    #[inline(always)]
    unsafe fn scaled(self, scale: Self::Floats, bias: *const f32) -> Self::Floats {
        // SAFETY: the caller's promise.
        unsafe { self.floats().fma(scale, Self::Floats::load(bias)) }
    }
    /// The sixteen bytes at `from` less `zero`, in floats.
    unsafe fn read(from: *const u8, zero: i32) -> Self::Floats;
    /// Rounds, ties to even.
    unsafe fn round(values: Self::Floats) -> Self::Floats;
    /// Rounds (ties to even), adds `zero`, limits to the bytes of the grid and stores them.
    unsafe fn write(values: Self::Floats, zero: i32, to: *mut u8);
}

/// The portable implementation, which every other one is tested against.
#[derive(Clone, Copy)]
pub struct PlainSums([i32; 16]);

impl PlainSums {
    #[inline(always)]
    fn add_dots(self, factors: [i8; 64], value: impl Fn(usize, usize) -> i8) -> Self {
        let product = |o: usize, i: usize| i32::from(factors[o * 4 + i]) * i32::from(value(o, i));
        Self(std::array::from_fn(|o| self.0[o] + (0..4).map(|i| product(o, i)).sum::<i32>()))
    }
}

impl Sums for PlainSums {
    const OFFSET: i32 = 0;
    const PLACE: Place = quads;
    type Floats = Plain;
    type Quads = *const u8;
    type Factors = [i8; 64];
    type Window = [[i8; 16]; 4];

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        Self(unsafe { from.cast::<[i32; 16]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn quads(from: *const u8) -> *const u8 {
        from
    }
    #[inline(always)]
    unsafe fn factors(from: *const i8) -> [i8; 64] {
        // SAFETY: the caller vouches for 64 values.
        unsafe { from.cast::<[i8; 64]>().read() }
    }
    #[inline(always)]
    unsafe fn dot<const L: usize>(self, factors: [i8; 64], quads: *const u8) -> Self {
        // SAFETY: the caller vouches for the bytes that `quads` was made from.
        let quad = unsafe { quads.add(4 * L).cast::<[i8; 4]>().read() };
        self.add_dots(factors, |_, i| quad[i])
    }
    #[inline(always)]
    unsafe fn window<const FAN: usize, const J: usize>(from: *const u8) -> [[i8; 16]; 4] {
        // SAFETY: the caller vouches for four pixels.
        let pixels = unsafe { from.cast::<[[i8; 16]; 4]>().read() };
        pixels.map(|pixel| std::array::from_fn(|c| pixel[c / FAN * FAN + J]))
    }
    #[inline(always)]
    unsafe fn dot_window(self, factors: [i8; 64], window: [[i8; 16]; 4]) -> Self {
        self.add_dots(factors, |o, i| window[i][o])
    }
    #[inline(always)]
    unsafe fn floats(self) -> Plain {
        Plain(self.0.map(|sum| sum as f32))
    }
    #[inline(always)]
    unsafe fn read(from: *const u8, zero: i32) -> Plain {
        // SAFETY: the caller vouches for sixteen values.
        let bytes = unsafe { from.cast::<[i8; 16]>().read() };
        Plain(bytes.map(|byte| (i32::from(byte) - zero) as f32))
    }
    #[inline(always)]
    unsafe fn round(values: Plain) -> Plain {
        Plain(values.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    unsafe fn write(values: Plain, zero: i32, to: *mut u8) {
        let byte = |value: f32| (value.round_ties_even() as i32).saturating_add(zero).clamp(-128, 127) as i8;
        // SAFETY: the caller vouches for sixteen bytes.
        unsafe { to.cast::<[i8; 16]>().write(values.0.map(byte)) };
    }
}
