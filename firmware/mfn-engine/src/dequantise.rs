//! DequantizeLinear of constants in one pass: how int8 files keep their weights.
//!
//! tract does it operator by operator through loops that broadcast any shape; for a network of a million weights that is
//! a tenth of a second of loading.

use std::sync::OnceLock;

use tract_core::internal::*;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// What a register holds.
type Builder = fn(&ParsingContext, &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// ONNX's name of the operator.
pub(crate) const NAME: &str = "DequantizeLinear";

/// The register's builder: this module's operator for constants, tract's for all else.
pub(crate) fn build(
    context: &ParsingContext,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    static TRACTS: OnceLock<Option<Builder>> = OnceLock::new();
    let constants = context.model.graph.iter().flat_map(|graph| &graph.initializer);
    let constant = |name: &String| constants.clone().any(|tensor| tensor.name == *name);
    let blocks = node.get_attr_opt::<i64>("block_size")?.unwrap_or(0);
    if node.input.iter().all(constant) && matches!(node.input.len(), 2 | 3) && blocks == 0 {
        let axis = node.get_attr_opt("axis")?.unwrap_or(1);
        return Ok((expand(ConstantDequantise { axis }), vec![]));
    }
    let tracts = TRACTS.get_or_init(|| tract_onnx::onnx().op_register.0.get(NAME).copied());
    tracts.context("no operator of this name")?(context, node)
}

/// Integers, steps and perhaps zeros, all constant; one step and zero for all or one along an axis.
#[derive(Clone, Debug)]
struct ConstantDequantise {
    axis: i64,
}

impl Expansion for ConstantDequantise {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[1].datum_type, f32::datum_type())?;
        solver.equals(&outputs[0].datum_type, f32::datum_type())?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)?;
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let constant = |outlet: &OutletId| {
            model.outlet_fact(*outlet)?.konst.clone().context("DequantizeLinear of a constant")
        };
        let constants = inputs.iter().map(constant).collect::<TractResult<TVec<_>>>()?;
        let value = dequantise(&constants[0], &constants[1], constants.get(2), self.axis)?;
        Ok(tvec!(model.add_const(prefix, value)?))
    }
}

/// `(integers - zeros) * steps`.
fn dequantise(
    integers: &Tensor,
    steps: &Tensor,
    zeros: Option<&Arc<Tensor>>,
    axis: i64,
) -> TractResult<Tensor> {
    let (shape, rank) = (integers.shape(), integers.rank() as i64);
    let (mut x, steps) = (integers.cast_to::<f32>()?.into_owned(), numbers(steps)?);
    let zeros = zeros.map_or(Ok(vec![0.0]), |zeros| numbers(zeros))?;
    let axis = if axis < 0 { axis + rank } else { axis };
    let lone = steps.len() == 1 && zeros.len() == 1;
    let (channels, inner) = if lone {
        (1, x.len())
    } else {
        ensure!((0..rank).contains(&axis), "quantization axis {axis} out of range");
        (shape[axis as usize], shape[axis as usize + 1..].iter().product())
    };
    let fits = |parameter: &[f32]| parameter.len() == 1 || parameter.len() == channels;
    ensure!(fits(&steps) && fits(&zeros), "{} steps for {channels} channels", steps.len());
    let of = |parameter: &[f32], channel: usize| parameter[if parameter.len() == 1 { 0 } else { channel }];
    // In place: fresh memory costs more than the arithmetic.
    let mut values = x.try_as_plain_ram_mut()?;
    for (row, values) in values.as_slice_mut::<f32>()?.chunks_mut(inner.max(1)).enumerate() {
        let (step, zero) = (of(&steps, row % channels), of(&zeros, row % channels));
        values.iter_mut().for_each(|value| *value = (*value - zero) * step);
    }
    Ok(x)
}

fn numbers(tensor: &Tensor) -> TractResult<Vec<f32>> {
    Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn along_each_axis_and_for_all() {
        let x = tensor2(&[[1i8, 2, 3], [-4, 5, -128]]);
        let zeros = |z: Tensor| Some(Arc::new(z));
        let rows = dequantise(&x, &tensor1(&[1.0f32, 0.5]), zeros(tensor1(&[0i8, 2])).as_ref(), 0).unwrap();
        assert_eq!(rows, tensor2(&[[1.0f32, 2.0, 3.0], [-3.0, 1.5, -65.0]]));
        let columns = dequantise(&x, &tensor1(&[1.0f32, 2.0, 3.0]), None, -1).unwrap();
        assert_eq!(columns, tensor2(&[[1.0f32, 4.0, 9.0], [-4.0, 10.0, -384.0]]));
        let all = dequantise(&x, &tensor0(2.0f32), zeros(tensor0(1i8)).as_ref(), 1).unwrap();
        assert_eq!(all, tensor2(&[[0.0f32, 2.0, 4.0], [-10.0, 8.0, -258.0]]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = tensor2(&[[1i8, 2, 3]]);
        assert!(dequantise(&x, &tensor1(&[1.0f32, 2.0]), None, 1).is_err());
        assert!(dequantise(&x, &tensor1(&[1.0f32, 2.0, 3.0]), None, 2).is_err());
        assert!(dequantise(&x, &tensor1(&[1.0f32, 2.0, 3.0]), None, -3).is_err());
    }
}
