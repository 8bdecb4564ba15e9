//! The dense products in pairs: `out = x W` over pixels in register tiles, and `dW += x^T dz`.

use super::lanes::Pairs;
use crate::conv::epilogue::Epilogue;
use crate::conv::shape::BLOCK;

/// Pairs of a block of a pixel's channels.
pub const HALF: usize = BLOCK / 2;

/// Rows of pixels times weights.
pub struct Product {
    /// `[inputs][pixels][8]`: neighbouring channels in pairs.
    pub x: *const u32,
    /// Input blocks.
    pub inputs: usize,
    /// `[outputs][8 inputs][16]`.
    pub weights: *const u32,
    /// Output blocks.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
}

/// The product in tiles of up to 14 pixels and two output blocks: 28 sums, two registers of weights.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Product`] says; `e` takes all blocks and pixels.
#[inline(always)]
pub unsafe fn product<V: Pairs, E: Epilogue<V>>(p: &Product, e: &mut E) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only; the rest is the caller's promise.
    unsafe {
        while block + 2 <= p.outputs {
            panel::<V, E, 2>(p, e, block);
            block += 2;
        }
        if block < p.outputs {
            panel::<V, E, 1>(p, e, block);
        }
    }
}

/// All pixels for `B` output blocks: whole tiles, then ever smaller ones.
#[inline(always)]
unsafe fn panel<V: Pairs, E: Epilogue<V>, const B: usize>(p: &Product, e: &mut E, block: usize) {
    let mut pixel = 0;
    // SAFETY: each tile's pixels lie below `pixels`; the rest is the caller's promise.
    unsafe {
        while pixel + 14 <= p.pixels {
            tile::<V, E, 14, B>(p, e, block, pixel);
            pixel += 14;
        }
        if pixel + 7 <= p.pixels {
            tile::<V, E, 7, B>(p, e, block, pixel);
            pixel += 7;
        }
        while pixel < p.pixels {
            tile::<V, E, 1, B>(p, e, block, pixel);
            pixel += 1;
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Pairs, E: Epilogue<V>, const P: usize, const B: usize>(
    p: &Product,
    e: &mut E,
    block: usize,
    pixel: usize,
) {
    // SAFETY: input blocks below `inputs`, weights of blocks `block..block + B`, pixels `pixel..pixel + P`.
    unsafe {
        let mut sums = [[V::zero(); B]; P];
        let stride = p.inputs * HALF * BLOCK;
        let mut weights = p.weights.add(block * stride);
        let mut x = p.x.add(pixel * HALF);
        for _ in 0..p.inputs {
            for pair in 0..HALF {
                step(&mut sums, (x.add(pair), HALF), (weights, stride));
                weights = weights.add(BLOCK);
            }
            x = x.add(p.pixels * HALF);
        }
        e.tile(&sums, block, pixel);
    }
}

/// Adds one pair's products: of the pair at `x` and those `x_stride` further on, a row of sums each, with the sixteen pairs
/// at `factors` and those `stride` further on, a column of sums each.
#[inline(always)]
unsafe fn step<V: Pairs, const P: usize, const B: usize>(
    sums: &mut [[V; B]; P],
    (x, x_stride): (*const u32, usize),
    (factors, stride): (*const u32, usize),
) {
    // SAFETY: as in the callers: `P` pairs of the one, `B` times sixteen of the other.
    unsafe {
        let mut columns = [V::factors(factors); B];
        for (b, column) in columns.iter_mut().enumerate() {
            *column = V::factors(factors.add(b * stride));
        }
        for (i, row) in sums.iter_mut().enumerate() {
            for (sum, column) in row.iter_mut().zip(&columns) {
                *sum = sum.dot(*column, x.add(i * x_stride));
            }
        }
    }
}

/// Operands of the weights' gradient: neighbouring pixels in pairs.
pub struct WeightGradient {
    /// `[inputs][pairs][16]`.
    pub x: *const u32,
    /// Input blocks.
    pub inputs: usize,
    /// `[outputs][pairs][16]`.
    pub dz: *const u32,
    /// Output blocks.
    pub outputs: usize,
    /// Pairs of pixels.
    pub pairs: usize,
    /// Where the sums are added, `[outputs][16 inputs][16]`.
    pub sums: *mut f32,
}

/// Adds `x^T dz` over the pixels, in register tiles of eight input channels and two output blocks.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`WeightGradient`] says.
#[inline(always)]
pub unsafe fn weight_gradient<V: Pairs>(g: &WeightGradient) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only.
    unsafe {
        while block + 2 <= g.outputs {
            gradient_panel::<V, 2>(g, block);
            block += 2;
        }
        if block < g.outputs {
            gradient_panel::<V, 1>(g, block);
        }
    }
}

#[inline(always)]
unsafe fn gradient_panel<V: Pairs, const B: usize>(g: &WeightGradient, block: usize) {
    for input in 0..g.inputs {
        for channel in [0, HALF] {
            // SAFETY: inside the input block, and the sums' rows of that block.
            unsafe {
                let x = g.x.add(input * g.pairs * BLOCK + channel);
                let sums = g.sums.add(((block * g.inputs + input) * BLOCK + channel) * BLOCK);
                gradient_tile::<V, B>(g, x, g.dz.add(block * g.pairs * BLOCK), sums);
            }
        }
    }
}

#[inline(always)]
unsafe fn gradient_tile<V: Pairs, const B: usize>(
    g: &WeightGradient,
    x: *const u32,
    dz: *const u32,
    out: *mut f32,
) {
    // SAFETY: every pair of pixels of each block, and sixteen values of each sum.
    unsafe {
        let mut sums = [[V::zero(); B]; HALF];
        for at in (0..g.pairs).map(|pair| pair * BLOCK) {
            step(&mut sums, (x.add(at), 1), (dz.add(at), g.pairs * BLOCK));
        }
        for (row, sums) in sums.iter().enumerate() {
            for (b, sum) in sums.iter().enumerate() {
                let to = out.add(b * g.inputs * BLOCK * BLOCK + row * BLOCK);
                sum.add(V::load(to)).store(to);
            }
        }
    }
}
