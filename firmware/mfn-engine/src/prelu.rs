//! PReLU as one tract operator that works in place.
//!
//! tract takes ONNX's `PRelu` apart into multiply, compare and select, three passes with two temporaries: 60 %
//! of a MobileFaceNet's time. This is one pass over memory that is already there.

use mfn_kernels::prelu_planes;
use tract_core::internal::*;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The register's builder for ONNX's `PRelu`.
pub(crate) fn build(
    _context: &ParsingContext,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(OnnxPRelu), vec![]))
}

/// ONNX's operator: `x` and `slope`, the slope broadcast to `x`.
#[derive(Clone, Debug)]
struct OnnxPRelu;

impl Expansion for OnnxPRelu {
    fn name(&self) -> StaticName {
        "PRelu".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)?;
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let x = model.outlet_fact(inputs[0])?;
        let slope = model.outlet_fact(inputs[1])?;
        let op = PRelu { slopes: channel_slopes(x, slope)?.into() };
        model.wire_node(prefix, op, &[inputs[0]])
    }
}

/// One slope for each channel (axis 1 of `x`), from a slope of any shape that means that.
fn channel_slopes(x: &TypedFact, slope: &TypedFact) -> TractResult<Vec<f32>> {
    let (Some(konst), true) = (&slope.konst, x.datum_type == f32::datum_type()) else {
        bail!("PRelu needs constant slopes and an F32 input");
    };
    ensure!(x.rank() >= 2 && konst.rank() <= x.rank(), "PRelu on rank {} with slopes {konst:?}", x.rank());
    let channels = x.shape[1].to_usize()?;
    let values = konst.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
    // Aligned at the right, as ONNX broadcasts: only the channels' axis may be longer than 1.
    let channel_axis = (konst.rank() + 1).checked_sub(x.rank());
    let others_are_1 =
        konst.shape().iter().enumerate().all(|(axis, &dim)| Some(axis) == channel_axis || dim == 1);
    match values.len() {
        1 => Ok(vec![values[0]; channels]),
        n if n == channels && others_are_1 => Ok(values),
        _ => bail!("PRelu slopes of shape {:?} are not one a channel of {:?}", konst.shape(), x.shape),
    }
}

/// The operator that runs: `x` where positive, else `x` times its channel's slope. NCHW.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PRelu {
    slopes: Arc<[f32]>,
}

impl PRelu {
    /// One a channel.
    pub(crate) fn slopes(&self) -> &[f32] {
        &self.slopes
    }
}

// Slopes are finite (checked before tract sees the file), so equality is total.
impl Eq for PRelu {}

impl Op for PRelu {
    fn name(&self) -> StaticName {
        "PReluPlanes".into()
    }

    op_as_typed_op!();
}

impl EvalOp for PRelu {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        // In place when nothing else reads the input; a copy otherwise.
        let mut x = args_1!(inputs).into_tensor();
        ensure!(x.shape().get(1) == Some(&self.slopes.len()), "PRelu on {x:?}");
        let plane = x.shape()[2..].iter().product();
        prelu_planes(x.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?, &self.slopes, plane);
        Ok(tvec!(x.into_tvalue()))
    }
}

impl TypedOp for PRelu {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].datum_type.fact(inputs[0].shape.clone())))
    }

    fn cost(&self, inputs: &[&TypedFact]) -> TractResult<TVec<(Cost, TDim)>> {
        Ok(tvec!((Cost::FMA(f32::datum_type()), inputs[0].shape.volume())))
    }
}
