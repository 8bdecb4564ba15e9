//! One layer for one image or for rows of it, forward, with any epilogue.

use super::epilogue::Epilogue;
use super::norm::{NormBlock, behind};
use super::plane_layout::PlaneLayout;
use super::planes::{self, Planes};
use super::product::Product;
use super::shape::{BLOCK, Kind};
use super::stage::{From, Part, Tiles, apply, room};
use super::stem::Stem;

/// Raw sums go to the epilogue, tile by tile.
///
/// # Safety
/// The CPU has `V`'s features; the part's pointers hold what it says.
#[inline(always)]
pub unsafe fn forward<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, scratch: &mut Vec<f32>, e: &mut E) {
    // SAFETY: the caller's promise.
    unsafe {
        match part.shape.kind {
            Kind::Pointwise => forward_pointwise::<V, E>(part, scratch, e),
            Kind::Planes { .. } if part.is_in_place() => forward_in_place::<V, E>(part, e),
            Kind::Planes { .. } => forward_planes::<V, E>(part, scratch, e),
            Kind::Stem => forward_stem::<V, E>(part, scratch, e),
            Kind::Global => forward_global::<V, E>(part, e),
        }
    }
}

#[inline(always)]
unsafe fn forward_pointwise<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, scratch: &mut Vec<f32>, e: &mut E) {
    let Part { shape, plane, .. } = *part;
    let norm = part.norm.map(|norm| (norm.pointers(), room(scratch, shape.inputs * V::CHUNK)));
    let pixels = shape.size[0] * shape.size[1];
    for start in (0..pixels).step_by(V::CHUNK) {
        let count = V::CHUNK.min(pixels - start);
        // SAFETY: `count` pixels from `start` in every block of the input; scratch for all of them.
        unsafe {
            let at = part.x.add(start * BLOCK);
            let (x, x_stride) = match &norm {
                Some((norm, room)) => {
                    for block in 0..shape.inputs / BLOCK {
                        let norm = NormBlock::<V>::load(norm, block);
                        apply(&norm, at.add(block * plane), room.add(block * count * BLOCK), count);
                    }
                    (room.cast_const(), count * BLOCK)
                }
                None => (at, plane),
            };
            let product = Product {
                x,
                x_stride,
                inputs: shape.inputs / BLOCK,
                weights: part.weights.as_ptr(),
                outputs: shape.outputs / BLOCK,
                pixels: count,
            };
            V::product(&product, &mut From(e, start));
        }
    }
}

/// Planes with a norm to apply, or with more channels a group than are exchanged in registers: each is copied into a
/// border of zeros first.
#[inline(always)]
unsafe fn forward_planes<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, scratch: &mut Vec<f32>, e: &mut E) {
    let shape = part.shape;
    let (layout, fan) = PlaneLayout::new(shape);
    let in_registers = shape.in_registers();
    let spare = if in_registers { 1 } else { 1 + fan };
    let norm = part.norm.map(|norm| norm.pointers());
    let room = room(scratch, spare * layout.plane);
    // SAFETY: each block's plane in the input, `spare` planes of scratch.
    unsafe {
        layout.clear(room);
        for block in 0..shape.inputs / BLOCK {
            layout.fill::<V>(part.x.add(block * part.plane), room, norm.as_ref(), block);
            let from = layout.spread(room, if in_registers { 1 } else { fan });
            let mut planes = layout.convolution(shape, from, part.weights, block);
            planes.plane = if in_registers { 0 } else { planes.plane };
            planes::convolve::<V, E>(&planes, e, block);
        }
    }
}

/// Planes as they lie.
#[inline(always)]
unsafe fn forward_in_place<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, e: &mut E) {
    let shape = part.shape;
    let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
    for block in 0..shape.inputs / BLOCK {
        // SAFETY: each block's plane in the input and its weights.
        unsafe {
            let planes = Planes {
                x: part.x.add(block * part.plane),
                plane: 0,
                row: shape.size[1] * BLOCK,
                ring: part.ring,
                input: shape.size,
                fan,
                weights: part.weights.as_ptr().add(block * fan * 144),
                size: shape.output_size(),
                rows: [part.rows.start, part.rows.end],
                stride,
            };
            planes::convolve::<V, E>(&planes, e, block);
        }
    }
}

/// Tiles of pixels times weights, each value read where it lies.
#[inline(always)]
unsafe fn forward_stem<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, scratch: &mut Vec<f32>, e: &mut E) {
    let shape = part.shape;
    let zeros = room(scratch, shape.size[1]);
    // SAFETY: the room was just made.
    unsafe { zeros.write_bytes(0, shape.size[1]) };
    let stem = Stem {
        image: part.x,
        input: shape.size,
        zeros,
        weights: part.weights.as_ptr(),
        outputs: shape.outputs / BLOCK,
        size: shape.output_size(),
    };
    // SAFETY: the caller's promise.
    unsafe { V::stem(&stem, e) };
}

#[inline(always)]
unsafe fn forward_global<V: Tiles, E: Epilogue<V>>(part: &Part<'_>, e: &mut E) {
    let shape = part.shape;
    let pixels = shape.size[0] * shape.size[1];
    let norm = part.norm.map(|norm| norm.pointers());
    for block in 0..shape.inputs / BLOCK {
        // SAFETY: each block's plane in the input and in the weights.
        unsafe {
            let norm = norm.as_ref().map(|norm| NormBlock::<V>::load(norm, block));
            let mut sum = V::load(e.start(block));
            for at in (0..pixels).map(|pixel| (block * pixels + pixel) * BLOCK) {
                let raw = V::load(part.x.add(at));
                let value = behind(norm.as_ref(), raw);
                sum = value.fma(V::load(part.weights.as_ptr().add(at)), sum);
            }
            e.tile(&[[sum]], block, 0);
        }
    }
}
