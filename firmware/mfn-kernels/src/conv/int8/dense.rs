//! Dense products of bytes in register tiles: 1x1 convolutions, linear layers, and the rows of a stem.

use super::epilogue::Finish;
use super::lanes::Sums;

/// `pixels` pixels of `groups` times four quads of inputs, times packed weights.
pub struct Dense {
    /// The first pixel's first group.
    pub x: *const u8,
    /// Bytes between two pixels.
    pub pixel: usize,
    /// Bytes between two groups of a pixel.
    pub group: usize,
    /// Groups: sixteen input channels, or a row of taps.
    pub groups: usize,
    /// `[outputs][groups][quads][64]`.
    pub weights: *const i8,
    /// What the sums begin with, one an output.
    pub start: *const i32,
    /// Output blocks.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
    /// Number of the first pixel in the output.
    pub first: usize,
}

/// The product in tiles of `P` pixels and `B` output blocks, of the first `Q` quads of each group.
///
/// # Safety
/// The CPU has `V`'s features; the pointers hold what [`Dense`] says, sixteen bytes a group.
#[inline(always)]
pub unsafe fn dense<V: Sums, const P: usize, const B: usize, const Q: usize>(d: &Dense, e: &Finish) {
    let mut block = 0;
    // SAFETY: blocks below `outputs` only; the rest is the caller's promise.
    unsafe {
        while block + B <= d.outputs {
            panel::<V, P, B, Q>(d, e, block);
            block += B;
        }
        while block < d.outputs {
            panel::<V, P, 1, Q>(d, e, block);
            block += 1;
        }
    }
}

/// All pixels for `B` output blocks: whole tiles, then ever smaller ones.
#[inline(always)]
unsafe fn panel<V: Sums, const P: usize, const B: usize, const Q: usize>(
    d: &Dense,
    e: &Finish,
    block: usize,
) {
    let mut pixel = 0;
    // SAFETY: each tile's pixels lie below `pixels`; the rest is the caller's promise.
    unsafe {
        while pixel + P <= d.pixels {
            tile::<V, P, B, Q>(d, e, block, pixel);
            pixel += P;
        }
        if P > 7 && pixel + 7 <= d.pixels {
            tile::<V, 7, B, Q>(d, e, block, pixel);
            pixel += 7;
        }
        if P == 5 && pixel + 4 <= d.pixels {
            tile::<V, 4, B, Q>(d, e, block, pixel);
            pixel += 4;
        }
        while P > 2 && pixel + 2 <= d.pixels {
            tile::<V, 2, B, Q>(d, e, block, pixel);
            pixel += 2;
        }
        while pixel < d.pixels {
            tile::<V, 1, B, Q>(d, e, block, pixel);
            pixel += 1;
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Sums, const P: usize, const B: usize, const Q: usize>(
    d: &Dense,
    e: &Finish,
    block: usize,
    pixel: usize,
) {
    // SAFETY: groups below `groups`, weights of blocks `block..block + B`, pixels `pixel..pixel + P`.
    unsafe {
        let start = d.start.add(block * 16);
        let mut sums = [[V::load(start); B]; P];
        for row in &mut sums {
            for (b, sum) in row.iter_mut().enumerate() {
                *sum = V::load(start.add(b * 16));
            }
        }
        let stride = d.groups * Q * 64;
        let mut weights = d.weights.add(block * stride);
        let mut x = d.x.add(pixel * d.pixel);
        for _ in 0..d.groups {
            group_step::<V, P, B, Q>(&mut sums, d, x, weights, stride);
            weights = weights.add(Q * 64);
            x = x.wrapping_add(d.group);
        }
        e.tile::<V, P, B>(&sums, block, d.first + pixel);
    }
}

/// One group: up to sixteen inputs of each pixel.
#[inline(always)]
unsafe fn group_step<V: Sums, const P: usize, const B: usize, const Q: usize>(
    sums: &mut [[V; B]; P],
    d: &Dense,
    x: *const u8,
    weights: *const i8,
    stride: usize,
) {
    // SAFETY: as in `tile`.
    unsafe {
        let mut quads = [V::quads(x); P];
        for (p, quads) in quads.iter_mut().enumerate() {
            *quads = V::quads(x.add(p * d.pixel));
        }
        quad_step::<V, P, B, 0>(sums, &quads, weights, stride);
        quad_step::<V, P, B, 1>(sums, &quads, weights.add(64), stride);
        quad_step::<V, P, B, 2>(sums, &quads, weights.add(128), stride);
        if Q == 4 {
            quad_step::<V, P, B, 3>(sums, &quads, weights.add(192), stride);
        }
    }
}

#[inline(always)]
unsafe fn quad_step<V: Sums, const P: usize, const B: usize, const L: usize>(
    sums: &mut [[V; B]; P],
    quads: &[V::Quads; P],
    weights: *const i8,
    stride: usize,
) {
    // SAFETY: as in `tile`.
    unsafe {
        if V::FEW_FACTORS {
            for b in 0..B {
                let factors = V::factors(weights.add(b * stride));
                for (row, quads) in sums.iter_mut().zip(quads) {
                    row[b] = row[b].dot::<L>(factors, *quads);
                }
            }
            return;
        }
        let mut factors = [V::factors(weights); B];
        for (b, factors) in factors.iter_mut().enumerate() {
            *factors = V::factors(weights.add(b * stride));
        }
        for (row, quads) in sums.iter_mut().zip(quads) {
            for (sum, factors) in row.iter_mut().zip(&factors) {
                *sum = sum.dot::<L>(*factors, *quads);
            }
        }
    }
}
