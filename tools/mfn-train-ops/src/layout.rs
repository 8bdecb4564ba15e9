//! The blocked layout `[N, C/16, H, W, 16]` and the way into and out of it.

use burn::tensor::Tensor;

/// Channels of a block: one AVX-512 register, two of AVX2, four of NEON.
pub const BLOCK: usize = 16;

/// `[N, C, H, W]` to `[N, C/16, H, W, 16]`, with gradients.
///
/// # Panics
/// When C is not a multiple of 16.
pub fn to_blocked(map: Tensor<4>) -> Tensor<5> {
    let [n, c, h, w] = map.dims();
    assert!(c % BLOCK == 0, "{c} channels do not fill blocks of {BLOCK}");
    map.reshape([n, c / BLOCK, BLOCK, h, w]).permute([0, 1, 3, 4, 2])
}

/// `[N, C/16, H, W, 16]` to `[N, C, H, W]`, with gradients: for hints, adapters and comparisons.
pub fn from_blocked(map: Tensor<5>) -> Tensor<4> {
    let [n, blocks, h, w, block] = map.dims();
    map.permute([0, 1, 4, 2, 3]).reshape([n, blocks * block, h, w])
}

/// The 1x1 map of a head, `[N, C/16, 1, 1, 16]`, as `[N, C]`.
///
/// # Panics
/// When the map is larger than 1x1.
pub fn flatten(map: Tensor<5>) -> Tensor<2> {
    let [n, blocks, h, w, block] = map.dims();
    assert!(h * w == 1, "a map of {h}x{w} is no vector");
    map.reshape([n, blocks * block])
}
