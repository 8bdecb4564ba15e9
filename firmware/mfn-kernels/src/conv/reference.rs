//! What the kernels compute, in plain loops over plain `[C, H, W]` maps of one image.

use super::shape::{BLOCK, Kind, Shape};

/// Kernel side, stride, padding and channels a group on the input's side.
fn geometry(shape: &Shape) -> (usize, usize, usize, usize) {
    match shape.kind {
        Kind::Pointwise => (1, 1, 0, shape.inputs),
        Kind::Planes { stride, fan } => (3, stride, 1, fan),
        Kind::Stem => (3, 2, 1, 3),
        Kind::Global => (shape.size[0], 1, 0, 1),
    }
}

/// Calls `f(output index, input index, weight index)` for every product of the convolution.
fn each_product(shape: &Shape, mut f: impl FnMut(usize, usize, usize)) {
    let (kernel, stride, padding, group_inputs) = geometry(shape);
    let group_outputs = shape.outputs * group_inputs / shape.inputs;
    let ([height, width], [out_height, out_width]) = (shape.size, shape.output_size());
    for o in 0..shape.outputs {
        for (i, ky, kx) in taps(group_inputs, kernel) {
            let input = o / group_outputs * group_inputs + i;
            for (y, x) in (0..out_height * out_width).map(|p| (p / out_width, p % out_width)) {
                let (from_y, from_x) = (y * stride + ky, x * stride + kx);
                let inside = |at: usize, side: usize| at >= padding && at < side + padding;
                if inside(from_y, height) && inside(from_x, width) {
                    let from = (input * height + from_y - padding) * width + from_x - padding;
                    f(
                        (o * out_height + y) * out_width + x,
                        from,
                        ((o * group_inputs + i) * kernel + ky) * kernel + kx,
                    );
                }
            }
        }
    }
}

fn taps(inputs: usize, kernel: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let area = kernel * kernel;
    (0..inputs * area).map(move |t| (t / area, t % area / kernel, t % kernel))
}

/// The convolution of `[inputs, H, W]` by `[outputs, inputs / groups, kernel, kernel]`.
#[must_use]
pub fn convolve(shape: &Shape, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.output_len()];
    each_product(shape, |o, i, w| out[o] += x[i] * weight[w]);
    out
}

/// The input's gradient, given the output's.
#[must_use]
pub fn input_gradient(shape: &Shape, dz: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.input_len()];
    each_product(shape, |o, i, w| out[i] += dz[o] * weight[w]);
    out
}

/// The weight's gradient, given the output's.
#[must_use]
pub fn weight_gradient(shape: &Shape, x: &[f32], dz: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; shape.weight_len()];
    each_product(shape, |o, i, w| out[w] += dz[o] * x[i]);
    out
}

/// `[C, H, W]` to `[C/16, H, W, 16]`.
#[must_use]
pub fn block(plain: &[f32], channels: usize) -> Vec<f32> {
    let pixels = plain.len() / channels;
    let index = |at: usize| (at / (pixels * BLOCK) * BLOCK + at % BLOCK) * pixels + at / BLOCK % pixels;
    (0..plain.len()).map(|at| plain[index(at)]).collect()
}

/// `[C/16, H, W, 16]` to `[C, H, W]`.
#[must_use]
pub fn unblock(blocked: &[f32], channels: usize) -> Vec<f32> {
    let pixels = blocked.len() / channels;
    let index = |at: usize| {
        let (channel, pixel) = (at / pixels, at % pixels);
        (channel / BLOCK * pixels + pixel) * BLOCK + channel % BLOCK
    };
    (0..blocked.len()).map(|at| blocked[index(at)]).collect()
}
