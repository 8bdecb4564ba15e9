//! What happens to a tile of sums while it is still in registers.

use super::Fused;
use super::lanes::Lanes;
use super::norm::{NormBlock, NormPointers};

/// Sixteen of them.
pub static ZEROS: [f32; 16] = [0.0; 16];

/// Takes the sums of `P` pixels, from `pixel` on, of `B` output blocks, from `block` on.
pub trait Epilogue<V: Lanes> {
    /// What the sums of a block begin with: sixteen values.
    ///
    /// # Safety
    /// The epilogue's pointers hold this block.
    #[inline(always)]
    unsafe fn start(&self, _block: usize) -> *const f32 {
        ZEROS.as_ptr()
    }

    /// What an inference layer does, if that is what this is, for kernels that do it themselves.
    #[inline(always)]
    fn as_finish(&self) -> Option<&Finish> {
        None
    }

    /// # Safety
    /// The CPU has `V`'s features, and the epilogue's pointers hold these blocks and pixels.
    unsafe fn tile<const P: usize, const B: usize>(&mut self, sums: &[[V; B]; P], block: usize, pixel: usize);
}

/// The sums of output block `AT` of a tile. Blocks are told apart at compile time and loops have one statement: a
/// loop that is not unrolled takes the sums of the whole product from registers to the stack.
#[inline(always)]
pub fn of_block<V: Copy, const P: usize, const B: usize, const AT: usize>(sums: &[[V; B]; P]) -> [V; P] {
    const { assert!(B == 1 || B == 2) };
    let mut block = [sums[0][0]; P];
    for (to, row) in block.iter_mut().zip(sums) {
        *to = row[if AT < B { AT } else { 0 }];
    }
    block
}

/// Training, forward: stores the raw output, and adds up value and square for the batch statistics.
pub struct Statistics {
    /// Output of the first block and pixel.
    pub out: *mut f32,
    /// Values between two output blocks.
    pub stride: usize,
    /// One sum a channel.
    pub sum: *mut f32,
    /// One sum of squares a channel.
    pub squares: *mut f32,
}

impl<V: Lanes> Epilogue<V> for Statistics {
    #[inline(always)]
    unsafe fn tile<const P: usize, const B: usize>(
        &mut self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            self.block(of_block::<V, P, B, 0>(sums), block, pixel);
            if B == 2 {
                self.block(of_block::<V, P, B, 1>(sums), block + 1, pixel);
            }
        }
    }
}

impl Statistics {
    #[inline(always)]
    unsafe fn block<V: Lanes, const P: usize>(&self, values: [V; P], block: usize, pixel: usize) {
        // SAFETY: the epilogue's promise.
        unsafe {
            let out = self.out.add(block * self.stride + pixel * 16);
            let (to_sum, to_squares) = (self.sum.add(block * 16), self.squares.add(block * 16));
            let (mut sum, mut squares) = (V::load(to_sum), V::load(to_squares));
            for (p, value) in values.into_iter().enumerate() {
                value.store(out.add(p * 16));
                sum = sum.add(value);
                squares = value.fma(value, squares);
            }
            sum.store(to_sum);
            squares.store(to_squares);
        }
    }
}

/// Inference: sums that begin with the bias, then PReLU if there are bends, then the residual if there is one.
pub struct Finish {
    /// Output of the first block and pixel.
    pub out: *mut f32,
    /// Values between two blocks of output and residual.
    pub stride: usize,
    /// One bias a channel.
    pub bias: *const f32,
    /// PReLU's slopes minus 1, one a channel, or null.
    pub bend: *const f32,
    /// What is added at the end, laid out as the output, or null.
    pub residual: *const f32,
}

impl Finish {
    /// What is fused behind a layer whose output, of so many values a block, begins at `out`.
    pub fn new(fused: Fused<'_>, out: *mut f32, stride: usize) -> Finish {
        let (bend, residual) = (pointer(fused.bend), pointer(fused.residual));
        Finish { out, stride, bias: fused.bias.as_ptr(), bend, residual }
    }
}

/// Null for nothing.
pub fn pointer<T>(slice: &[T]) -> *const T {
    if slice.is_empty() { std::ptr::null() } else { slice.as_ptr() }
}

impl<V: Lanes> Epilogue<V> for Finish {
    #[inline(always)]
    unsafe fn start(&self, block: usize) -> *const f32 {
        // SAFETY: the caller's promise.
        unsafe { self.bias.add(block * 16) }
    }

    #[inline(always)]
    fn as_finish(&self) -> Option<&Finish> {
        Some(self)
    }

    #[inline(always)]
    unsafe fn tile<const P: usize, const B: usize>(
        &mut self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        let at = block * self.stride + pixel * 16;
        // SAFETY: the caller's promise.
        unsafe {
            self.block(of_block::<V, P, B, 0>(sums), block * 16, at);
            if B == 2 {
                self.block(of_block::<V, P, B, 1>(sums), (block + 1) * 16, at + self.stride);
            }
        }
    }
}

impl Finish {
    /// `P` pixels of the block whose first channel is `channel`.
    #[inline(always)]
    unsafe fn block<V: Lanes, const P: usize>(&self, mut y: [V; P], channel: usize, at: usize) {
        // SAFETY: the epilogue's promise; null pointers are not read.
        unsafe {
            if !self.bend.is_null() {
                let (bend, zero) = (V::load(self.bend.add(channel)), V::zero());
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

/// Training, backward: stores the gradient of the layer's input, and adds up what the layer before needs.
pub struct Gradient {
    /// Gradient of the first block and pixel.
    pub out: *mut f32,
    /// Values between two blocks of gradient, residual and raw values.
    pub stride: usize,
    /// Another gradient of the same input that is added, or null.
    pub residual: *const f32,
    /// The layer before: its raw output and norm; `None` when the input is the chain's own.
    pub before: Option<Before>,
}

/// The layer before, whose output the gradient belongs to.
pub struct Before {
    /// Raw output of the first block and pixel.
    pub raw: *const f32,
    /// Its batch norm.
    pub norm: NormPointers,
    /// Where the three sums of [`super::norm::NormBlock::reduce`] go: channel vectors one behind the other.
    pub sums: *mut f32,
    /// Values between two of those vectors.
    pub channels: usize,
}

impl<V: Lanes> Epilogue<V> for Gradient {
    #[inline(always)]
    unsafe fn tile<const P: usize, const B: usize>(
        &mut self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        let at = block * self.stride + pixel * 16;
        // First everything to memory, with constant indices: a longer loop here would not be unrolled, and the sums
        // of the whole product would then live on the stack instead of in registers.
        for (p, row) in sums.iter().enumerate() {
            for (b, value) in row.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { value.store(self.out.add(at + b * self.stride + p * 16)) };
            }
        }
        for b in 0..B {
            // SAFETY: the caller's promise; the values were just stored.
            unsafe { self.finish::<V, P>(block + b, at + b * self.stride) };
        }
    }
}

impl Gradient {
    /// Residual and sums for `P` stored pixels of a block.
    #[inline(always)]
    unsafe fn finish<V: Lanes, const P: usize>(&self, block: usize, at: usize) {
        // SAFETY: the epilogue's promise; a null residual is not read.
        unsafe {
            let out = self.out.add(at);
            if !self.residual.is_null() {
                for p in 0..P {
                    let residual = V::load(self.residual.add(at + p * 16));
                    V::load(out.add(p * 16)).add(residual).store(out.add(p * 16));
                }
            }
            if let Some(before) = &self.before {
                let norm = NormBlock::<V>::load(&before.norm, block);
                let mut sums = norm.load_sums(before.sums, before.channels, block);
                for p in 0..P {
                    let raw = V::load(before.raw.add(at + p * 16));
                    norm.reduce(&mut sums, V::load(out.add(p * 16)), raw);
                }
                norm.store_sums(&sums, before.sums, before.channels, block);
            }
        }
    }
}
