//! The tract operator that runs a plan in place of a region.

use std::collections::HashSet;
use std::num::NonZero;

use mfn_kernels::conv::Buffer;
use mfn_kernels::crew::Crew;
use tract_onnx::tract_core::internal::*;

use super::build::Builder;
use super::meaning::Meaning;
use super::plan::Plan;
use crate::any::Floats;

/// The operator. Its weights are shared between copies.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    plan: Arc<Plan>,
    threads: NonZero<usize>,
    /// Shapes of the outputs.
    shapes: Vec<TVec<usize>>,
}

impl PartialEq for Blocked {
    fn eq(&self, other: &Blocked) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

impl Eq for Blocked {}

/// The patch that puts one operator in place of a region's nodes; takes their meanings.
pub(super) fn replace(
    model: &TypedModel,
    region: &[usize],
    meanings: &mut [Option<Meaning>],
    threads: NonZero<usize>,
    floats: Floats,
) -> TractResult<TypedModelPatch> {
    let mut builder = Builder::new(model);
    for &node in region {
        let meaning = meanings[node].take().context("a region's nodes have a meaning")?;
        builder.add(node, meaning)?;
    }
    let outlets = leaving(model, region)?;
    let concrete = |&outlet: &OutletId| {
        let shape = model.outlet_fact(outlet)?.shape.as_concrete().context("a map's shape is known")?;
        Ok(shape.into())
    };
    let shapes = outlets.iter().map(concrete).collect::<TractResult<_>>()?;
    let mut patch = TypedModelPatch::new("blocked");
    let taps = patch.taps(model, &builder.inputs)?;
    let name = format!("{}.blocked", model.node(region[region.len() - 1]).name);
    let op = Blocked { plan: Arc::new(builder.finish(&outlets, threads, floats)?), threads, shapes };
    let outputs = patch.wire_node(name, op, &taps)?;
    for (&outlet, by) in outlets.iter().zip(outputs) {
        patch.shunt_outside(model, outlet, by)?;
    }
    Ok(patch)
}

/// Outlets of the region that others read.
fn leaving(model: &TypedModel, region: &[usize]) -> TractResult<Vec<OutletId>> {
    let inside: HashSet<usize> = region.iter().copied().collect();
    let results = model.output_outlets()?;
    let leaves = |&outlet: &OutletId| {
        let mut readers = model.outlet_successors(outlet).iter();
        results.contains(&outlet) || readers.any(|reader| !inside.contains(&reader.node))
    };
    Ok(region.iter().map(|&node| OutletId::from(node)).filter(leaves).collect())
}

impl Op for Blocked {
    fn name(&self) -> StaticName {
        "Blocked".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{} steps in {} values of memory", self.plan.steps(), self.plan.memory())])
    }

    op_as_typed_op!();
}

impl EvalOp for Blocked {
    not_out_of_plan!();

    fn state(&self, _context: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        let outputs = self.shapes.iter().map(|shape| Ok(Arc::new(Tensor::zero::<f32>(shape)?)));
        Ok(Some(Box::new(State {
            memory: Buffer::new(self.plan.memory()),
            crew: Crew::new(self.threads),
            outputs: outputs.collect::<TractResult<_>>()?,
        })))
    }
}

impl TypedOp for Blocked {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.shapes.iter().map(f32::fact).collect())
    }

    as_op!();
}

/// The memory of one session, used again from run to run.
#[derive(Clone, Debug)]
struct State {
    memory: Buffer,
    crew: Crew,
    outputs: Vec<Arc<Tensor>>,
}

impl OpState for State {
    fn eval(
        &mut self,
        _context: &EvalContext,
        op: &dyn Op,
        inputs: TVec<TValue>,
    ) -> TractResult<TVec<TValue>> {
        let op = op.downcast_ref::<Blocked>().context("the state of another operator")?;
        let slices = inputs
            .iter()
            .map(|input| input.try_as_plain_ram()?.as_slice::<f32>())
            .collect::<TractResult<TVec<&[f32]>>>()?;
        op.plan.run(&slices, &mut self.memory, &mut self.crew);
        for (exit, output) in op.plan.exits().iter().zip(&mut self.outputs) {
            // A copy only while somebody still holds the last run's output.
            exit.read(&self.memory, Arc::make_mut(output).try_as_plain_ram_mut()?.as_slice_mut()?);
        }
        Ok(self.outputs.iter().map(|output| TValue::from_const(Arc::clone(output))).collect())
    }

    fn reset_lanes(&mut self, _lanes: &[LaneId]) -> TractResult<()> {
        // Nothing is kept from one run for the next.
        Ok(())
    }
}
