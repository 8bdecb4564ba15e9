//! One layer for one image, forward, with any epilogue.

use super::epilogue::Epilogue;
use super::norm::NormBlock;
use super::plane_layout::PlaneLayout;
use super::planes::{self, Planes};
use super::product::Product;
use super::shape::{BLOCK, Kind, Shape};
use super::stage::{From, Input, Tiles, apply, room};
use super::stem::Stem;

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
    let room = room(scratch, shape.inputs * V::CHUNK);
    for start in (0..pixels).step_by(V::CHUNK) {
        let count = V::CHUNK.min(pixels - start);
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

#[inline(always)]
unsafe fn forward_planes<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: Input<'_>,
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let (layout, fan) = PlaneLayout::new(shape);
    let in_registers = matches!(fan, 1 | 2 | 4);
    // SAFETY: each block's plane in the input, `spare` planes of scratch.
    unsafe {
        if input.norm.is_none() && in_registers {
            return forward_planes_in_place::<V, E>(shape, input.data, weights, e);
        }
        let spare = if in_registers { 1 } else { 1 + fan };
        let norm = input.norm.map(|norm| norm.pointers());
        let room = room(scratch, spare * layout.plane);
        layout.clear(room);
        for block in 0..shape.inputs / BLOCK {
            let from = input.data.as_ptr().add(block * layout.pixels() * BLOCK);
            layout.fill::<V>(from, room, norm.as_ref(), block);
            let mut planes = layout.convolution(
                shape,
                layout.spread(room, if in_registers { 1 } else { fan }),
                weights,
                block,
            );
            planes.plane = if in_registers { 0 } else { planes.plane };
            planes::convolve::<V, E>(&planes, e, block);
        }
    }
}

/// Without a norm to apply nothing is copied.
#[inline(always)]
unsafe fn forward_planes_in_place<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    input: &[f32],
    weights: &[f32],
    e: &mut E,
) {
    let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
    let pixels = shape.size[0] * shape.size[1];
    for block in 0..shape.inputs / BLOCK {
        // SAFETY: each block's plane in the input and its weights.
        unsafe {
            let planes = Planes {
                x: input.as_ptr().add(block * pixels * BLOCK),
                plane: 0,
                row: shape.size[1] * BLOCK,
                input: shape.size,
                fan,
                weights: weights.as_ptr().add(block * fan * 144),
                size: shape.output_size(),
                stride,
            };
            planes::convolve::<V, E>(&planes, e, block);
        }
    }
}

/// The image in a border of zeros, then tiles of pixels times weights, each value read where it lies.
#[inline(always)]
unsafe fn forward_stem<V: Tiles, E: Epilogue<V>>(
    shape: &Shape,
    image: &[f32],
    weights: &[f32],
    scratch: &mut Vec<f32>,
    e: &mut E,
) {
    let [height, width] = shape.size;
    let row = width + 2;
    let plane = (height + 2) * row;
    let room = room(scratch, 3 * plane);
    // SAFETY: the room was just made; rows of the image and of the room.
    unsafe {
        for channel in (0..3).map(|channel| room.add(channel * plane)) {
            channel.write_bytes(0, row);
            channel.add(plane - row).write_bytes(0, row);
        }
        for (y, from) in image.chunks_exact(width).enumerate() {
            let to = room.add(y / height * plane + (y % height + 1) * row);
            to.write(0.0);
            from.as_ptr().copy_to_nonoverlapping(to.add(1), width);
            to.add(row - 1).write(0.0);
        }
        V::stem(
            &Stem {
                image: room,
                row,
                plane,
                weights: weights.as_ptr(),
                outputs: shape.outputs / BLOCK,
                size: shape.output_size(),
            },
            e,
        );
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
            let mut sum = V::load(e.start(block));
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
