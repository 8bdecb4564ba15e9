//! A region in floats of 16 bits: convolutions that have kernels for it, and the maps between them.

use std::collections::HashMap;

use mfn_kernels::conv::half;

use super::build::Builder;
use super::draft::{Draft, DraftWork, Form, From, Kept, Layer};
use super::weights::{pack, pad};

/// Maps that are there in 16 and in 32 bits, from the number of the first to that of the other.
type Twins = HashMap<usize, usize>;

impl Builder<'_> {
    /// Turns convolutions into such of 16 bits, and their maps where they are read and written. What leaves stays in 32
    /// bits, and so does each step that has no form in 16, with a step that changes a map's form in between.
    pub(super) fn halve(&mut self, leaving: &mut [usize]) {
        let mut twins = Twins::new();
        for draft in std::mem::take(&mut self.drafts) {
            let work = halved(draft.work);
            let form = if matches!(work, DraftWork::Half(_)) { Form::Halves } else { Form::Floats };
            let from = match draft.from {
                From::Map(map) => From::Map(self.in_form(map, form, &mut twins)),
                input @ From::Input(_) => input,
            };
            let also = draft.also.map(|map| self.in_form(map, form, &mut twins));
            if form == Form::Halves {
                self.maps[draft.to] = Kept::halves(self.maps[draft.to].map);
            }
            self.drafts.push(Draft { work, from, also, ..draft });
        }
        leaving.iter_mut().for_each(|map| *map = self.in_form(*map, Form::Floats, &mut twins));
    }

    /// The number of a map of floats of one size in the form for floats of another; a map in bytes is read as it is.
    fn in_form(&mut self, map: usize, form: Form, twins: &mut Twins) -> usize {
        let Kept { map: shape, form: found, .. } = self.maps[map];
        let (work, to) = match (found, form) {
            (Form::Halves, Form::Floats) => (DraftWork::Widen, Kept::floats(shape)),
            (Form::Floats, Form::Halves) => (DraftWork::Narrow, Kept::halves(shape)),
            _ => return map,
        };
        *twins.entry(map).or_insert_with(|| self.step(work, From::Map(map), None, to))
    }
}

/// The step in 16 bits, if there are kernels for it and its numbers fit.
fn halved(work: DraftWork) -> DraftWork {
    match work {
        DraftWork::Convolution(layer) => match layer.halved() {
            Some(half) => DraftWork::Half(Box::new(half)),
            None => DraftWork::Convolution(layer),
        },
        other => other,
    }
}

impl Layer {
    /// A layer over one pixel, whose time goes by in reading its weights once, is left as it is: it is a network's last,
    /// and rounding there is not averaged any more.
    fn halved(&self) -> Option<half::Layer> {
        let shape = self.convolution.shape;
        let worth = half::supports(&shape) && shape.size != [1, 1] && self.integers.is_none();
        let layer = || {
            let (weights, bias) = (pack(&self.convolution, &self.scale), pad(&self.convolution.bias));
            half::Layer::new(shape, &weights, &bias, &self.bend())
        };
        worth.then(layer).flatten()
    }
}
