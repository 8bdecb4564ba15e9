//! One layer for one image, backward.

use super::epilogue::{Before, Epilogue, Gradient};
use super::lanes::Lanes;
use super::mixed::Weights;
use super::norm::{BackBlock, Norm, NormBlock, behind};
use super::plane_layout::PlaneLayout;
use super::planes::{self, Planes};
use super::product::{Product, WeightGradient};
use super::shape::{BLOCK, Kind, PATCH, Shape};
use super::stage::{From, Input, Tiles, apply, ask_ahead, patches, room};

/// The backward pass of one layer for one image.
pub struct Backward<'a> {
    /// The layer.
    pub shape: &'a Shape,
    /// Its input.
    pub input: Input<'a>,
    /// Its raw output.
    pub raw: &'a [f32],
    /// Its norm.
    pub norm: Norm<'a>,
    /// Sums of `du` and of `du n` over the batch, divided by the number of values: two channel vectors.
    pub means: &'a [f32],
    /// Gradient of its output.
    pub gradient: &'a [f32],
    /// Weights by [`Shape::pack_transposed`].
    pub weights: Weights<'a>,
    /// Where the weights' gradient is added, in packed form.
    pub weight_sums: &'a mut [f32],
    /// Where the input's gradient goes, if it is wanted.
    pub input_gradient: Option<&'a mut [f32]>,
    /// Added to the input's gradient; not for a global convolution.
    pub residual: Option<&'a [f32]>,
    /// With `input.norm`: where the sums of `du`, `du n` and the slope's gradient of the layer before are added,
    /// three channel vectors.
    pub input_sums: &'a mut [f32],
}

/// Backward for one image.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked.
#[inline(always)]
pub unsafe fn backward<V: Tiles>(mut job: Backward<'_>, weights: &[f32], scratch: &mut Vec<f32>) {
    let mut epilogue = gradient_of(&mut job);
    // SAFETY: the caller's promise.
    unsafe {
        match job.shape.kind {
            Kind::Pointwise => backward_pointwise::<V>(&mut job, weights, scratch, epilogue.as_mut()),
            Kind::Planes { .. } => backward_planes::<V>(&mut job, weights, scratch, epilogue.as_mut()),
            Kind::Stem => backward_stem::<V>(&mut job, scratch),
            Kind::Global => backward_global::<V>(&mut job, weights, epilogue.as_mut()),
        }
    }
}

/// Where the input's gradient goes and what is added up on the way, if it is wanted.
pub fn gradient_of(job: &mut Backward<'_>) -> Option<Gradient> {
    let before = job.input.norm.map(|norm| Before {
        raw: job.input.data.as_ptr(),
        norm: norm.pointers(),
        sums: job.input_sums.as_mut_ptr(),
        channels: job.shape.inputs,
    });
    job.input_gradient.take().map(|out| Gradient {
        out: out.as_mut_ptr(),
        stride: job.shape.input_len() / job.shape.inputs * BLOCK,
        residual: job.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
        before,
    })
}

#[inline(always)]
unsafe fn backward_pointwise<V: Tiles>(
    job: &mut Backward<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    mut epilogue: Option<&mut Gradient>,
) {
    let (inputs, outputs) = (job.shape.inputs / BLOCK, job.shape.outputs / BLOCK);
    let pixels = job.shape.size[0] * job.shape.size[1];
    let norm = job.input.norm.map(|norm| norm.pointers());
    let dz = room(scratch, (job.shape.inputs + job.shape.outputs) * V::CHUNK);
    for start in (0..pixels).step_by(V::CHUNK) {
        let count = V::CHUNK.min(pixels - start);
        // SAFETY: `count` pixels from `start` in every block; scratch for inputs and outputs of a chunk.
        unsafe {
            raw_gradient::<V>(job, pixels, start..start + count, dz);
            let room = dz.add(outputs * count * BLOCK);
            let at = job.input.data.as_ptr().add(start * BLOCK);
            let (x, x_stride) = match &norm {
                Some(norm) => {
                    for block in 0..inputs {
                        let norm = NormBlock::<V>::load(norm, block);
                        apply(&norm, at.add(block * pixels * BLOCK), room.add(block * count * BLOCK), count);
                    }
                    (room.cast_const(), count * BLOCK)
                }
                None => (at, pixels * BLOCK),
            };
            let sums = job.weight_sums.as_mut_ptr();
            let dz_stride = count * BLOCK;
            V::weight_gradient(&WeightGradient {
                x,
                x_stride,
                inputs,
                dz,
                dz_stride,
                outputs,
                pixels: count,
                sums,
            });
            if let Some(e) = epilogue.as_deref_mut() {
                let product = Product {
                    x: dz,
                    x_stride: dz_stride,
                    inputs: outputs,
                    weights: weights.as_ptr(),
                    outputs: inputs,
                    pixels: count,
                };
                V::product(&product, &mut From(e, start));
            }
        }
    }
}

/// The raw output's gradient for a range of pixels, `[outputs / 16][range][16]` at `to`.
#[inline(always)]
unsafe fn raw_gradient<V: Lanes>(
    job: &Backward<'_>,
    pixels: usize,
    range: std::ops::Range<usize>,
    to: *mut f32,
) {
    let norm = job.norm.pointers();
    for block in 0..job.shape.outputs / BLOCK {
        // SAFETY: the range lies inside each block's plane.
        unsafe {
            let back = BackBlock::<V>::load(&norm, job.means.as_ptr(), job.shape.outputs, block);
            let from = (block * pixels + range.start) * BLOCK;
            let (gradient, raw) = (job.gradient.as_ptr().add(from), job.raw.as_ptr().add(from));
            let to = to.add(block * range.len() * BLOCK);
            for at in (0..range.len()).map(|i| i * BLOCK) {
                ask_ahead(gradient.add(at));
                ask_ahead(raw.add(at));
                back.backward(V::load(gradient.add(at)), V::load(raw.add(at))).store(to.add(at));
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_planes<V: Tiles>(
    job: &mut Backward<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    mut epilogue: Option<&mut Gradient>,
) {
    let (layout, fan) = PlaneLayout::new(job.shape);
    let spare = if fan == 1 { 1 } else { 1 + fan };
    let norms = (job.norm.pointers(), job.input.norm.map(|norm| norm.pointers()));
    let x = room(scratch, 2 * spare * layout.plane);
    // SAFETY: each block's planes; twice `spare` planes of scratch.
    unsafe {
        let dz = x.add(spare * layout.plane);
        layout.clear(x);
        layout.clear(dz);
        for block in 0..job.shape.inputs / BLOCK {
            let from = job.input.data.as_ptr().add(block * layout.pixels() * BLOCK);
            layout.fill::<V>(from, x, norms.1.as_ref(), block);
            layout.fill_gradient::<V>(job, &norms.0, dz, block);
            let convolution = layout.convolution(job.shape, layout.spread(x, fan), weights, block);
            let sums = job.weight_sums.as_mut_ptr().add(block * fan * 144);
            planes::weight_gradient::<V>(&convolution, dz, sums);
            if let Some(e) = epilogue.as_deref_mut() {
                let back = layout.convolution(job.shape, layout.spread(dz, fan), weights, block);
                planes::convolve::<V, _>(
                    &Planes { stride: 1, size: layout.size, rows: [0, layout.size[0]], ..back },
                    e,
                    block,
                );
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_stem<V: Tiles>(job: &mut Backward<'_>, scratch: &mut Vec<f32>) {
    let [height, width] = job.shape.output_size();
    let pixels = height * width;
    let x = room(scratch, (PATCH + job.shape.outputs) * pixels);
    // SAFETY: room for the patches and the raw gradient was just made.
    unsafe {
        let dz = x.add(PATCH * pixels);
        patches(job.shape, job.input.data, std::slice::from_raw_parts_mut(x, PATCH * pixels));
        raw_gradient::<V>(job, pixels, 0..pixels, dz);
        V::weight_gradient(&WeightGradient {
            x,
            x_stride: pixels * BLOCK,
            inputs: PATCH / BLOCK,
            dz,
            dz_stride: pixels * BLOCK,
            outputs: job.shape.outputs / BLOCK,
            pixels,
            sums: job.weight_sums.as_mut_ptr(),
        });
    }
}

#[inline(always)]
unsafe fn backward_global<V: Tiles>(
    job: &mut Backward<'_>,
    weights: &[f32],
    mut epilogue: Option<&mut Gradient>,
) {
    let pixels = job.shape.size[0] * job.shape.size[1];
    let norms = (job.norm.pointers(), job.input.norm.map(|norm| norm.pointers()));
    for block in 0..job.shape.inputs / BLOCK {
        // SAFETY: each block's plane in input, weights and sums; one value of gradient and raw output.
        unsafe {
            let back = BackBlock::<V>::load(&norms.0, job.means.as_ptr(), job.shape.outputs, block);
            let at = |p: *const f32| V::load(p.add(block * BLOCK));
            let dz = back.backward(at(job.gradient.as_ptr()), at(job.raw.as_ptr()));
            let norm = norms.1.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
            for pixel in 0..pixels {
                let at = (block * pixels + pixel) * BLOCK;
                let raw = V::load(job.input.data.as_ptr().add(at));
                let value = behind(norm.as_ref(), raw);
                let sum = job.weight_sums.as_mut_ptr().add(at);
                value.fma(dz, V::load(sum)).store(sum);
                if let Some(e) = epilogue.as_deref_mut() {
                    e.tile(&[[V::load(weights.as_ptr().add(at)).mul(dz)]], block, pixel);
                }
            }
        }
    }
}
