//! Integer weights on their way from plain order into that of an instruction set.

use std::ops::Range;

use super::Form;
use super::planes::WINDOW_WEIGHTS;
use crate::conv::buffer::{Buffer, bytes, bytes_mut};
use crate::conv::shape::{BLOCK, Kind, Shape};
use crate::{Kernels, Level};

/// A layer's integer weights, packed for one instruction set and one zero point of the input.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) level: Level,
    pub(super) shape: Shape,
    weights: Buffer,
    /// Minus the input's zero times the sum of weights, one an output.
    pub(super) start: Vec<i32>,
}

impl Packed {
    pub(super) fn weights(&self) -> *const i8 {
        bytes(&self.weights).as_ptr().cast()
    }

    /// The layer of only these blocks of outputs, whose shape is `shape`.
    ///
    /// # Panics
    /// When there are no such blocks.
    #[must_use]
    pub fn part(&self, shape: Shape, blocks: &Range<usize>) -> Packed {
        assert_eq!(shape.outputs, blocks.len() * BLOCK, "one block for sixteen outputs");
        let weights = self.weights.part(self.shape.outputs / BLOCK, blocks);
        let start = self.start[blocks.start * BLOCK..blocks.end * BLOCK].to_vec();
        Packed { level: self.level, shape, weights, start }
    }
}

/// Whether there are int8 kernels for a shape.
#[must_use]
pub fn supports(shape: &Shape) -> bool {
    let fits = match shape.kind {
        Kind::Planes { fan, .. } => matches!(fan, 1 | 2 | 4),
        Kind::Stem | Kind::Global | Kind::Pointwise => true,
    };
    // 2^31 divided by the largest product of a byte and a weight.
    fits && shape.weight_len() / shape.outputs.max(1) < 65_536
}

/// Where each weight of an output lies among the packed bytes; the second place is for the other shift of windows.
struct Places<'a> {
    shape: &'a Shape,
    form: Form,
}

impl Places<'_> {
    /// Bytes of one block of outputs.
    fn block(&self) -> usize {
        match self.shape.kind {
            Kind::Pointwise => self.shape.inputs / 4 * 64,
            Kind::Stem => 9 * 64,
            Kind::Planes { fan, .. } => fan * WINDOW_WEIGHTS,
            Kind::Global => self.windows() * 64,
        }
    }

    /// Windows of a map that is convolved whole.
    fn windows(&self) -> usize {
        (self.shape.size[0] * self.shape.size[1]).div_ceil(4)
    }

    /// The places of one output.
    fn row(&self, o: usize) -> Row {
        let start = o / BLOCK * self.block();
        let (kind, lane) = (self.shape.kind, o % BLOCK);
        if kind == Kind::Pointwise && self.form.rows {
            return Row::Whole(start + lane / 4 * (self.shape.inputs * 4) + lane % 4 * BLOCK);
        }
        Row::Quads(kind, [0, 1, 2, 3].map(|input| start + (self.form.place)(lane, input)))
    }
}

/// Where the weights of one output lie.
enum Row {
    /// Sixteen inputs side by side, then those of the next three outputs: from the first one's place on.
    Whole(usize),
    /// The first place of each of a quad's inputs.
    Quads(Kind, [usize; 4]),
}

impl Row {
    fn of(&self, tap: usize) -> [usize; 2] {
        let (kind, inputs) = match self {
            Row::Whole(first) => return [first + tap / BLOCK * 64 + tap % BLOCK; 2],
            Row::Quads(kind, inputs) => (kind, inputs),
        };
        let at = |step: usize, input: usize| step * 64 + inputs[input];
        match kind {
            Kind::Pointwise | Kind::Global => [at(tap / 4, tap % 4); 2],
            Kind::Stem => [at(tap % 9, tap / 9); 2],
            Kind::Planes { .. } => {
                let (j, ky, kx) = (tap / 9, tap / 3 % 3, tap % 3);
                [at(j * 6 + ky, kx), at(j * 6 + 3 + ky, kx + 1)]
            }
        }
    }
}

impl Kernels {
    /// Packs `[outputs, inputs / groups, kernel, kernel]`, each from -127 to 127, for an input whose 0 is the grid's
    /// number `zero`.
    ///
    /// # Panics
    /// When a length does not fit, the shape is not supported, or a weight is -128.
    #[must_use]
    pub fn pack_int8(self, shape: &Shape, weight: &[i8], zero: i8) -> Packed {
        shape.check();
        assert!(supports(shape), "no int8 kernel for {shape:?}");
        assert_eq!(weight.len(), shape.weight_len(), "{shape:?}");
        assert!(weight.iter().all(|&w| w != i8::MIN), "weights are symmetric");
        let form = self.int8_form();
        let offset = form.offset;
        let places = Places { shape, form };
        let mut weights = Buffer::new((places.block() * shape.outputs / BLOCK).div_ceil(4));
        let (packed, taps) = (bytes_mut(&mut weights), weight.len() / shape.outputs);
        let mut start = Vec::with_capacity(shape.outputs);
        for (o, row) in weight.chunks_exact(taps).enumerate() {
            let own = places.row(o);
            for (tap, &value) in row.iter().enumerate() {
                own.of(tap).into_iter().for_each(|at| packed[at] = value as u8);
            }
            let sum: i32 = row.iter().map(|&w| i32::from(w)).sum();
            start.push(-(i32::from(zero) + offset) * sum);
        }
        Packed { level: self.level(), shape: *shape, weights, start }
    }
}
