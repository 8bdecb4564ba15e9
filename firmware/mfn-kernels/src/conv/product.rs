//! The dense products: `out = x W` over pixels, in register tiles, and `dW += x^T dz`.

use super::epilogue::Epilogue;
use super::lanes::Lanes;

/// `pixels` rows of `inputs` blocks times packed weights.
pub struct Product {
    /// First value of the first input block.
    pub x: *const f32,
    /// Values between two input blocks.
    pub x_stride: usize,
    /// Input blocks.
    pub inputs: usize,
    /// Weights, `[outputs][16 inputs][16]`.
    pub weights: *const f32,
    /// Output blocks.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
}

/// Where the operands of a tile of one output block lie, for kernels that make its sums themselves.
pub struct Operands<T> {
    /// The first pixel's first input block.
    pub x: *const T,
    /// Values between two input blocks.
    pub x_stride: usize,
    /// Input blocks, at least one.
    pub inputs: usize,
    /// The output block's weights, `[16 inputs][16]`.
    pub weights: *const T,
    /// What each pixel's sums begin with, sixteen values.
    pub start: *const T,
}

/// The product in tiles of `P` pixels and `B` output blocks.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Product`] says.
#[inline(always)]
pub unsafe fn product<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(p: &Product, e: &mut E) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only; the rest is the caller's promise.
    unsafe {
        while block + B <= p.outputs {
            panel::<V, E, P, B>(p, e, block);
            block += B;
        }
        while block < p.outputs {
            panel::<V, E, P, 1>(p, e, block);
            block += 1;
        }
    }
}

/// All pixels for `B` output blocks: whole tiles, then ever smaller ones.
#[inline(always)]
unsafe fn panel<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    p: &Product,
    e: &mut E,
    block: usize,
) {
    let mut pixel = 0;
    // SAFETY: each tile's pixels lie below `pixels`; the rest is the caller's promise.
    unsafe {
        while pixel + P <= p.pixels {
            tile::<V, E, P, B>(p, e, block, pixel);
            pixel += P;
        }
        if P > 7 && pixel + 7 <= p.pixels {
            tile::<V, E, 7, B>(p, e, block, pixel);
            pixel += 7;
        }
        while P > 2 && pixel + 2 <= p.pixels {
            tile::<V, E, 2, B>(p, e, block, pixel);
            pixel += 2;
        }
        while pixel < p.pixels {
            tile::<V, E, 1, B>(p, e, block, pixel);
            pixel += 1;
        }
    }
}

/// What a pixel's sums of `B` blocks begin with.
///
/// # Safety
/// The CPU has `V`'s features; the epilogue holds the blocks.
#[inline(always)]
pub unsafe fn start<V: Lanes, E: Epilogue<V>, const B: usize>(e: &E, block: usize) -> [V; B] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [V::load(e.start(block)); B];
        for (b, sum) in sums.iter_mut().enumerate().skip(1) {
            *sum = V::load(e.start(block + b));
        }
        sums
    }
}

#[inline(always)]
unsafe fn tile<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    p: &Product,
    e: &mut E,
    block: usize,
    pixel: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let sums = V::products::<E, P, B>(p, e, block, pixel);
        e.tile(&sums, block, pixel);
    }
}

/// The sums of a tile: `P` pixels from `pixel` on, `B` output blocks from `block` on.
///
/// # Safety
/// As for [`product`]; there are these pixels and blocks.
#[inline(always)]
pub unsafe fn sums<V: Lanes, E: Epilogue<V>, const P: usize, const B: usize>(
    p: &Product,
    e: &E,
    block: usize,
    pixel: usize,
) -> [[V; B]; P] {
    // SAFETY: input blocks below `inputs`, weights of blocks `block..block + B`, pixels `pixel..pixel + P`.
    unsafe {
        let mut sums = [start::<V, E, B>(e, block); P];
        let weights_stride = p.inputs * 256;
        let mut weights = p.weights.add(block * weights_stride);
        let mut x = p.x.add(pixel * 16);
        for _ in 0..p.inputs {
            for quad in 0..4 {
                quad_step::<V, P, B>(&mut sums, x.add(quad * 4), weights, weights_stride);
                weights = weights.add(64);
            }
            x = x.add(p.x_stride);
        }
        sums
    }
}

/// Four input channels.
#[inline(always)]
unsafe fn quad_step<V: Lanes, const P: usize, const B: usize>(
    sums: &mut [[V; B]; P],
    x: *const f32,
    weights: *const f32,
    weights_stride: usize,
) {
    // SAFETY: as in `tile`.
    unsafe {
        let mut quads = [V::quad(x); P];
        for (i, quad) in quads.iter_mut().enumerate() {
            *quad = V::quad(x.add(i * 16));
        }
        lane_step::<V, P, B, 0>(sums, &quads, weights, weights_stride);
        lane_step::<V, P, B, 1>(sums, &quads, weights.add(16), weights_stride);
        lane_step::<V, P, B, 2>(sums, &quads, weights.add(32), weights_stride);
        lane_step::<V, P, B, 3>(sums, &quads, weights.add(48), weights_stride);
    }
}

#[inline(always)]
unsafe fn lane_step<V: Lanes, const P: usize, const B: usize, const L: usize>(
    sums: &mut [[V; B]; P],
    quads: &[V::Quad; P],
    weights: *const f32,
    weights_stride: usize,
) {
    // SAFETY: as in `tile`.
    unsafe {
        let mut factors = [V::zero(); B];
        for (b, factor) in factors.iter_mut().enumerate() {
            *factor = V::load(weights.add(b * weights_stride));
        }
        for (row, quad) in sums.iter_mut().zip(quads) {
            for (sum, factor) in row.iter_mut().zip(&factors) {
                *sum = sum.fma_lane::<L>(*factor, *quad);
            }
        }
    }
}

/// Operands of the weights' gradient.
pub struct WeightGradient {
    /// First value of the first input block.
    pub x: *const f32,
    /// Values between two input blocks.
    pub x_stride: usize,
    /// Input blocks.
    pub inputs: usize,
    /// First value of the first block of the raw output's gradient.
    pub dz: *const f32,
    /// Values between two of its blocks.
    pub dz_stride: usize,
    /// Output blocks.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
    /// Where the sums are added, `[outputs][16 inputs][16]`.
    pub sums: *mut f32,
}

/// Adds `x^T dz` over the pixels, in register tiles of `4 Q` input channels and `B` output blocks.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`WeightGradient`] says.
#[inline(always)]
pub unsafe fn weight_gradient<V: Lanes, const Q: usize, const B: usize>(g: &WeightGradient) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only.
    unsafe {
        while block + B <= g.outputs {
            gradient_panel::<V, Q, B>(g, block);
            block += B;
        }
        while block < g.outputs {
            gradient_panel::<V, Q, 1>(g, block);
            block += 1;
        }
    }
}

#[inline(always)]
unsafe fn gradient_panel<V: Lanes, const Q: usize, const B: usize>(g: &WeightGradient, block: usize) {
    let stride = g.inputs * 256;
    for input in 0..g.inputs {
        for channel in (0..16).step_by(4 * Q) {
            // SAFETY: inside the input block, and the sums' rows of that block.
            unsafe {
                let x = g.x.add(input * g.x_stride + channel);
                let dz = g.dz.add(block * g.dz_stride);
                let sums = g.sums.add(block * stride + input * 256 + channel * 16);
                gradient_tile::<V, Q, B>(g, x, dz, sums, stride);
            }
        }
    }
}

#[inline(always)]
unsafe fn gradient_tile<V: Lanes, const Q: usize, const B: usize>(
    g: &WeightGradient,
    x: *const f32,
    dz: *const f32,
    out: *mut f32,
    out_stride: usize,
) {
    // SAFETY: `pixels` pixels of each block, and sixteen values of each sum.
    unsafe {
        let mut sums = [[[V::zero(); B]; 4]; Q];
        for pixel in 0..g.pixels {
            let mut factors = [V::zero(); B];
            for (b, factor) in factors.iter_mut().enumerate() {
                *factor = V::load(dz.add(b * g.dz_stride + pixel * 16));
            }
            for (q, rows) in sums.iter_mut().enumerate() {
                let quad = V::quad(x.add(pixel * 16 + q * 4));
                for b in 0..B {
                    rows[0][b] = rows[0][b].fma_lane::<0>(factors[b], quad);
                    rows[1][b] = rows[1][b].fma_lane::<1>(factors[b], quad);
                    rows[2][b] = rows[2][b].fma_lane::<2>(factors[b], quad);
                    rows[3][b] = rows[3][b].fma_lane::<3>(factors[b], quad);
                }
            }
        }
        for (row, sums) in sums.as_flattened().iter().enumerate() {
            for (b, sum) in sums.iter().enumerate() {
                let to = out.add(b * out_stride + row * 16);
                sum.add(V::load(to)).store(to);
            }
        }
    }
}
