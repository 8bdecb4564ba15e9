//! The sum of two maps, fused behind the convolution that makes one of them where that can be.

use mfn_kernels::conv::int8::Grid;
use tract_onnx::tract_core::internal::*;

use super::build::Builder;
use super::draft::{DraftWork, From, Kept};
use super::meaning::Map;

impl Builder<'_> {
    /// The later of the two convolutions takes the other map as its residual.
    pub(super) fn sum(
        &mut self,
        left: OutletId,
        right: OutletId,
        outlet: OutletId,
        to: Map,
    ) -> TractResult<()> {
        for (summand, other) in [(left, right), (right, left)] {
            let Some((step, rounded)) = self.summand(summand) else { continue };
            let Some(also) = self.made_before(other, step) else { continue };
            self.drafts[step].also = Some(also);
            if let Some(layer) = self.layer(step) {
                layer.rounded = rounded;
            }
            self.at.insert(outlet, self.drafts[step].to);
            return Ok(());
        }
        let (left, right) = (self.enter(left)?, self.enter(right)?);
        let map = self.step(DraftWork::Add, From::Map(left), Some(right), Kept::floats(to));
        self.at.insert(outlet, map);
        Ok(())
    }

    /// The convolution that makes a summand for nobody else, and the grid that the summand is rounded to.
    fn summand(&self, outlet: OutletId) -> Option<(usize, Option<Grid>)> {
        let Some(&(source, grid)) = self.rounded.get(&outlet) else {
            return self.open(outlet).map(|step| (step, None));
        };
        let bytes = *self.model.node(outlet.node).inputs.first()?;
        let only_here = self.lone(bytes) && self.lone(outlet);
        let step = self.open(source).filter(|&step| only_here && self.drafts[step].is_int8())?;
        Some((step, Some(grid)))
    }

    /// The map at an outlet, in bytes where the step can read them, if an earlier step writes it.
    fn made_before(&mut self, outlet: OutletId, step: usize) -> Option<usize> {
        let int8 = self.drafts[step].is_int8();
        let rounded = self.rounded.get(&outlet).copied().filter(|_| int8);
        let floats = self.at.get(&outlet).copied();
        let in_bytes = rounded.and_then(|(source, grid)| {
            let source = *self.at.get(&source)?;
            self.written_bytes(source, grid)
        });
        let made = |map: &usize| {
            self.drafts
                .iter()
                .position(|draft| draft.writes().any(|to| to == *map))
                .is_some_and(|at| at < step)
        };
        in_bytes.filter(made).or(floats.filter(made))
    }
}
