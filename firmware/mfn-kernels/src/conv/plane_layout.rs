//! Where a 3x3 layer's padded planes lie, and how they are filled.

use super::backward::Backward;
use super::lanes::Lanes;
use super::norm::{BackBlock, NormBlock, NormPointers};
use super::planes::{self, Planes};
use super::shape::{BLOCK, Kind, Shape};
use super::stage::{apply, ask_ahead};

/// The padded plane of a 3x3 layer's input.
pub struct PlaneLayout {
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Values of a padded row.
    row: usize,
    /// Values of a padded plane.
    pub plane: usize,
    stride: usize,
}

impl PlaneLayout {
    /// The layout and the fan of a shape of [`Kind::Planes`].
    pub fn new(shape: &Shape) -> (Self, usize) {
        let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
        let row = (shape.size[1] + 2) * BLOCK;
        (Self { size: shape.size, row, plane: (shape.size[0] + 2) * row, stride }, fan)
    }

    /// Pixels of the input.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Zeroes a plane: the border, and what lies between the values of a gradient at stride 2.
    ///
    /// # Safety
    /// The pointers hold what is read and written, whole planes; the CPU has the features.
    #[inline(always)]
    pub unsafe fn clear(&self, plane: *mut f32) {
        // SAFETY: a whole plane, by the caller's promise; zero bits are 0.0.
        unsafe { plane.write_bytes(0, self.plane) };
    }

    /// Fills the inside of a padded plane from a block's plane.
    ///
    /// # Safety
    /// The pointers hold what is read and written, whole planes; the CPU has the features.
    #[inline(always)]
    pub unsafe fn fill<V: Lanes>(
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
    ///
    /// # Safety
    /// The pointers hold what is read and written, whole planes; the CPU has the features.
    #[inline(always)]
    pub unsafe fn fill_gradient<V: Lanes>(
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
                    ask_ahead(gradient.add(at));
                    ask_ahead(raw.add(at));
                    let dz = back.backward(V::load(gradient.add(at)), V::load(raw.add(at)));
                    dz.store(to.add(at * self.stride));
                }
            }
        }
    }

    /// The planes to convolve: the one at `first`, or `fan` copies behind it.
    ///
    /// # Safety
    /// The pointers hold what is read and written, whole planes; the CPU has the features.
    pub unsafe fn spread(&self, first: *mut f32, fan: usize) -> *const f32 {
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
    ///
    /// # Safety
    /// The pointers hold what is read and written, whole planes; the CPU has the features.
    pub unsafe fn convolution(&self, shape: &Shape, x: *const f32, weights: &[f32], block: usize) -> Planes {
        let Kind::Planes { stride, fan } = shape.kind else { unreachable!("only for planes") };
        // SAFETY: the block's weights, and the first pixel inside the border, by the caller's promise.
        let (weights, x) = unsafe { (weights.as_ptr().add(block * fan * 144), x.add(self.row + BLOCK)) };
        let (plane, row, input) = (self.plane, self.row, self.size);
        let size = shape.output_size();
        Planes { x, plane, row, ring: usize::MAX, input, fan, weights, size, rows: [0, size[0]], stride }
    }
}
