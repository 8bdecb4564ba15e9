//! One layer for one image, over the generic register blocks: forward with any epilogue, and backward.

use super::epilogue::{Before, Epilogue, Gradient};
use super::lanes::Lanes;
use super::norm::{BackBlock, Norm, NormBlock, NormPointers};
use super::planes::{self, Planes};
use super::product::{Product, WeightGradient};
use super::shape::{BLOCK, Kind, PATCH, Shape};

/// Pixels that a dense product takes at a time, so that its operands stay in the second-level cache.
const CHUNK: usize = 98;

/// A layer's input, one image: as it is, or the raw output of the layer before with its norm to be applied.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The values, blocked (plain for a stem).
    pub data: &'a [f32],
    /// The norm and activation that are still to be applied.
    pub norm: Option<Norm<'a>>,
}

/// Register tiles of an instruction set.
pub trait Tiles: Lanes {
    /// See [`super::product::product`].
    unsafe fn product<E: Epilogue<Self>>(product: &Product, e: &mut E);
    /// See [`super::product::weight_gradient`].
    unsafe fn weight_gradient(gradient: &WeightGradient);
}

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
    pub weights: &'a [f32],
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

/// Forward for one image: raw sums go to the epilogue, tile by tile.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked.
#[inline(always)]
pub unsafe fn forward<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match shape.kind {
            Kind::Pointwise => forward_pointwise::<V, E>(shape, input, weights, scratch, e),
            Kind::Planes { .. } => forward_planes::<V, E>(shape, input, weights, scratch, e),
            Kind::Stem => forward_stem::<V, E>(shape, input.data, weights, scratch, e),
            Kind::Global => forward_global::<V, E>(shape, input, weights, e),
        }
    }
}

#[inline(always)]
unsafe fn forward_pointwise<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let pixels = shape.size[0] * shape.size[1];
    let norm = input.norm.map(|norm| norm.pointers());
    let room = room(scratch, shape.inputs * CHUNK);
    for start in (0..pixels).step_by(CHUNK) {
        let count = CHUNK.min(pixels - start);
        // SAFETY: `count` pixels from `start` in every block of the input; scratch for all of them.
        unsafe {
            let at = input.data.as_ptr().add(start * BLOCK);
            let (x, x_stride) = match &norm {
                Some(norm) => {
                    for block in 0..shape.inputs / BLOCK {
                        let norm = NormBlock::<V>::load(norm, block);
                        let to = room.add(block * count * BLOCK);
                        apply(&norm, at.add(block * pixels * BLOCK), to, count);
                    }
                    (room.cast_const(), count * BLOCK)
                }
                None => (at, pixels * BLOCK),
            };
            let product = Product {
                x,
                x_stride,
                inputs: shape.inputs / BLOCK,
                weights: weights.as_ptr(),
                outputs: shape.outputs / BLOCK,
                pixels: count,
            };
            V::product(&product, &mut From(e, start));
        }
    }
}

/// An epilogue whose pixels begin further on.
struct From<'a, E>(&'a mut E, usize);

impl<V: Lanes, E: Epilogue<V>> Epilogue<V> for From<'_, E> {
    #[inline(always)]
    unsafe fn tile<const P: usize, const B: usize>(
        &mut self,
        sums: &[[V; B]; P],
        block: usize,
        pixel: usize,
    ) {
        // SAFETY: the caller's promise, for the shifted pixels.
        unsafe { self.0.tile(sums, block, self.1 + pixel) };
    }
}

#[inline(always)]
unsafe fn forward_planes<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let (layout, fan) = PlaneLayout::new(shape);
    let spare = if fan == 1 { 1 } else { 1 + fan };
    let norm = input.norm.map(|norm| norm.pointers());
    let room = room(scratch, spare * layout.plane);
    // SAFETY: each block's plane in the input, `spare` planes of scratch.
    unsafe {
        layout.clear(room);
        for block in 0..shape.inputs / BLOCK {
            let from = input.data.as_ptr().add(block * layout.pixels() * BLOCK);
            layout.fill::<V>(from, room, norm.as_ref(), block);
            let convolution = layout.convolution(shape, layout.spread(room, fan), weights, block);
            planes::convolve::<V, E>(&convolution, e, block);
        }
    }
}

#[inline(always)]
unsafe fn forward_stem<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    image: &[f32],
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let [height, width] = shape.output_size();
    let pixels = height * width;
    let room = room(scratch, PATCH * pixels);
    // SAFETY: the patches' room was just made; the product reads those and the packed weights.
    unsafe {
        patches(shape, image, std::slice::from_raw_parts_mut(room, PATCH * pixels));
        let product = Product {
            x: room,
            x_stride: pixels * BLOCK,
            inputs: PATCH / BLOCK,
            weights: weights.as_ptr(),
            outputs: shape.outputs / BLOCK,
            pixels,
        };
        V::product(&product, e);
    }
}

#[inline(always)]
unsafe fn forward_global<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[f32],
    e: &mut E,
) {
    let pixels = shape.size[0] * shape.size[1];
    let norm = input.norm.map(|norm| norm.pointers());
    for block in 0..shape.inputs / BLOCK {
        // SAFETY: each block's plane in the input and in the weights.
        unsafe {
            let norm = norm.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
            let mut sum = V::zero();
            for at in (0..pixels).map(|pixel| (block * pixels + pixel) * BLOCK) {
                let raw = V::load(input.data.as_ptr().add(at));
                let value = match &norm {
                    Some(norm) => norm.forward(raw),
                    None => raw,
                };
                sum = value.fma(V::load(weights.as_ptr().add(at)), sum);
            }
            e.tile(&[[sum]], block, 0);
        }
    }
}

/// Backward for one image.
///
/// # Safety
/// The CPU has `V`'s features; lengths were checked.
#[inline(always)]
pub unsafe fn backward<V: Tiles>(mut job: Backward<'_>, scratch: &mut Vec<f32>) {
    let pixels = job.shape.input_len() / job.shape.inputs;
    let null = std::ptr::null();
    let before = job.input.norm.map(|norm| Before {
        raw: job.input.data.as_ptr(),
        norm: norm.pointers(),
        sums: job.input_sums.as_mut_ptr(),
        channels: job.shape.inputs,
    });
    let mut epilogue = job.input_gradient.take().map(|out| Gradient {
        out: out.as_mut_ptr(),
        stride: pixels * BLOCK,
        residual: job.residual.map_or(null, <[f32]>::as_ptr),
        before,
    });
    // SAFETY: the caller's promise.
    unsafe {
        match job.shape.kind {
            Kind::Pointwise => backward_pointwise::<V>(&mut job, scratch, epilogue.as_mut()),
            Kind::Planes { .. } => backward_planes::<V>(&mut job, scratch, epilogue.as_mut()),
            Kind::Stem => backward_stem::<V>(&mut job, scratch),
            Kind::Global => backward_global::<V>(&mut job, epilogue.as_mut()),
        }
    }
}

#[inline(always)]
unsafe fn backward_pointwise<V: Tiles>(
    job: &mut Backward<'_>,
    scratch: &mut Vec<f32>,
    mut epilogue: Option<&mut Gradient>,
) {
    let (inputs, outputs) = (job.shape.inputs / BLOCK, job.shape.outputs / BLOCK);
    let pixels = job.shape.size[0] * job.shape.size[1];
    let norm = job.input.norm.map(|norm| norm.pointers());
    let dz = room(scratch, (job.shape.inputs + job.shape.outputs) * CHUNK);
    for start in (0..pixels).step_by(CHUNK) {
        let count = CHUNK.min(pixels - start);
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
                let weights = job.weights.as_ptr();
                let product = Product {
                    x: dz,
                    x_stride: dz_stride,
                    inputs: outputs,
                    weights,
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
                back.backward(V::load(gradient.add(at)), V::load(raw.add(at))).store(to.add(at));
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_planes<V: Tiles>(
    job: &mut Backward<'_>,
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
            let convolution = layout.convolution(job.shape, layout.spread(x, fan), job.weights, block);
            let sums = job.weight_sums.as_mut_ptr().add(block * fan * 144);
            planes::weight_gradient::<V>(&convolution, dz, sums);
            if let Some(e) = epilogue.as_deref_mut() {
                let back = layout.convolution(job.shape, layout.spread(dz, fan), job.weights, block);
                planes::convolve::<V, _>(&Planes { stride: 1, size: layout.size, ..back }, e, block);
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
unsafe fn backward_global<V: Tiles>(job: &mut Backward<'_>, mut epilogue: Option<&mut Gradient>) {
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
                let value = match &norm {
                    Some(norm) => norm.forward(raw),
                    None => raw,
                };
                let sum = job.weight_sums.as_mut_ptr().add(at);
                value.fma(dz, V::load(sum)).store(sum);
                if let Some(e) = epilogue.as_deref_mut() {
                    e.tile(&[[V::load(job.weights.as_ptr().add(at)).mul(dz)]], block, pixel);
                }
            }
        }
    }
}

/// Applies a norm to `count` pixels of one block.
#[inline(always)]
unsafe fn apply<V: Lanes>(norm: &NormBlock<V>, from: *const f32, to: *mut f32, count: usize) {
    for at in (0..count).map(|i| i * BLOCK) {
        // SAFETY: `count` pixels at both pointers.
        unsafe { norm.forward(V::load(from.add(at))).store(to.add(at)) };
    }
}

/// At least `len` values of scratch, at a cache line's start.
fn room(scratch: &mut Vec<f32>, len: usize) -> *mut f32 {
    if scratch.len() < len + BLOCK {
        scratch.resize(len + BLOCK, 0.0);
    }
    let skip = scratch.as_ptr().align_offset(64).min(BLOCK);
    scratch[skip..].as_mut_ptr()
}

/// The stem's patches, `[2][pixels][16]`: the 27 taps of each output pixel in the weight's order, then zeros.
fn patches(shape: &Shape, image: &[f32], out: &mut [f32]) {
    let [height, width] = shape.size;
    let [out_height, out_width] = shape.output_size();
    let pixels = out_height * out_width;
    out.fill(0.0);
    for (tap, (channel, ky, kx)) in (0..27).map(|t| (t, (t / 9, t / 3 % 3, t % 3))) {
        let out = &mut out[tap / BLOCK * pixels * BLOCK + tap % BLOCK..];
        for y in 0..out_height {
            let Some(from_y) = (2 * y + ky).checked_sub(1).filter(|&y| y < height) else { continue };
            let row = &image[(channel * height + from_y) * width..][..width];
            for x in usize::from(kx == 0)..out_width {
                if let Some(&value) = row.get(2 * x + kx - 1) {
                    out[(y * out_width + x) * BLOCK] = value;
                }
            }
        }
    }
}

/// The padded plane of a 3x3 layer's input.
struct PlaneLayout {
    /// Height and width of the input.
    size: [usize; 2],
    /// Values of a padded row.
    row: usize,
    /// Values of a padded plane.
    plane: usize,
    stride: usize,
}

impl PlaneLayout {
    /// The layout and the fan of a shape of [`Kind::Planes`].
    fn new(shape: &Shape) -> (Self, usize) {
        let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
        let row = (shape.size[1] + 2) * BLOCK;
        (Self { size: shape.size, row, plane: (shape.size[0] + 2) * row, stride }, fan)
    }

    fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Zeroes a plane: the border, and what lies between the values of a gradient at stride 2.
    #[inline(always)]
    unsafe fn clear(&self, plane: *mut f32) {
        // SAFETY: a whole plane, by the caller's promise; zero bits are 0.0.
        unsafe { plane.write_bytes(0, self.plane) };
    }

    /// Fills the inside of a padded plane from a block's plane.
    #[inline(always)]
    unsafe fn fill<V: Lanes>(
        &self,
        from: *const f32,
        to: *mut f32,
        norm: Option<&NormPointers>,
        block: usize,
    ) {
        let [height, width] = self.size;
        // SAFETY: whole planes at both pointers, by the caller's promise.
        unsafe {
            let norm = norm.map(|norm| NormBlock::<V>::load(norm, block));
            for y in 0..height {
                let (from, to) = (from.add(y * width * BLOCK), to.add((y + 1) * self.row + BLOCK));
                match &norm {
                    Some(norm) => apply(norm, from, to, width),
                    None => from.copy_to_nonoverlapping(to, width * BLOCK),
                }
            }
        }
    }

    /// Writes the raw output's gradient to rows `stride y + 1`, columns `stride x + 1` of a cleared plane.
    #[inline(always)]
    unsafe fn fill_gradient<V: Lanes>(
        &self,
        job: &Backward<'_>,
        norm: &NormPointers,
        to: *mut f32,
        block: usize,
    ) {
        let [height, width] = job.shape.output_size();
        // SAFETY: the block's plane of gradient and raw output, a padded plane at `to`.
        unsafe {
            let back = BackBlock::<V>::load(norm, job.means.as_ptr(), job.shape.outputs, block);
            for y in 0..height {
                let from = (block * height + y) * width * BLOCK;
                let (gradient, raw) = (job.gradient.as_ptr().add(from), job.raw.as_ptr().add(from));
                let to = to.add((y * self.stride + 1) * self.row + BLOCK);
                for at in (0..width).map(|x| x * BLOCK) {
                    let dz = back.backward(V::load(gradient.add(at)), V::load(raw.add(at)));
                    dz.store(to.add(at * self.stride));
                }
            }
        }
    }

    /// The planes to convolve: the one at `first`, or `fan` copies behind it.
    unsafe fn spread(&self, first: *mut f32, fan: usize) -> *const f32 {
        if fan == 1 {
            return first;
        }
        // SAFETY: `1 + fan` planes, by the caller's promise.
        unsafe {
            planes::spread(std::slice::from_raw_parts_mut(first, (1 + fan) * self.plane), self.plane, fan);
            first.add(self.plane)
        }
    }

    /// The layer's convolution of a block.
    unsafe fn convolution(&self, shape: &Shape, x: *const f32, weights: &[f32], block: usize) -> Planes {
        let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
        // SAFETY: the block's weights, by the caller's promise.
        let weights = unsafe { weights.as_ptr().add(block * fan * 144) };
        Planes { x, plane: self.plane, row: self.row, fan, weights, size: shape.output_size(), stride }
    }
}
