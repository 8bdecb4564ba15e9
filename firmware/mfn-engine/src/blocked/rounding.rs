//! Numbers that lie on a grid of 256: activations between QuantizeLinear and DequantizeLinear, and constant weights,
//! however the file says so.

use mfn_kernels::conv::int8::Grid;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::quant::{DequantizeLinearF32, QuantizeLinearI8, QuantizeLinearU8};

use super::meaning::{Convolution, Meaning, map};

/// How far from a whole number of steps a weight may be: rounding errors of the products that made it.
const TOLERANCE: f32 = 5e-5;
/// The most steps that a weight may have: the kernels' bytes are symmetric.
const MOST_STEPS: u8 = 127;

/// What rounding or its inverse means: only where both stand together, with one grid for a whole map.
pub(super) fn of(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Meaning>> {
    if node.op_is::<DequantizeLinearF32>() {
        let rounds = grid(model, model.node(node.inputs[0].node))?.is_some();
        return Ok(rounds.then_some(Meaning::Dequantise));
    }
    Ok(grid(model, node)?.map(Meaning::Quantise))
}

/// The grid that a node rounds a map to, if all that read it turn it back into floats.
fn grid(model: &TypedModel, node: &TypedNode) -> TractResult<Option<Grid>> {
    let Some((per_one, zero)) = parameters(node) else { return Ok(None) };
    let outlet = OutletId::from(node.id);
    let back = |reader: &InletId| {
        let op = model.node(reader.node).op_as::<DequantizeLinearF32>()?;
        (op.scale.recip() == per_one && op.zero_point == zero).then_some(op.scale)
    };
    let steps: Option<Vec<f32>> = model.outlet_successors(outlet).iter().map(back).collect();
    let Some(&step) = steps.as_deref().and_then(<[f32]>::first) else { return Ok(None) };
    let bytes = model.outlet_fact(outlet)?.datum_type;
    let offset = if bytes == u8::datum_type() { 128 } else { 0 };
    let zero = i8::try_from(zero - offset);
    let known = step > 0.0 && step.recip().is_finite() && map(model, node.inputs[0])?.is_some();
    let inside = !model.output_outlets()?.contains(&outlet);
    Ok(zero.ok().filter(|_| known && inside).map(|zero| Grid { step, zero }))
}

/// Steps in 1 and zero point of a QuantizeLinear.
fn parameters(node: &TypedNode) -> Option<(f32, i32)> {
    let op = &node.op_as::<ElementWiseOp>()?.0;
    if let Some(op) = op.downcast_ref::<QuantizeLinearI8>() {
        return Some((op.scale, i32::from(op.zero_point)));
    }
    op.downcast_ref::<QuantizeLinearU8>().map(|op| (op.scale, i32::from(op.zero_point)))
}

/// Weights as whole numbers of steps.
#[derive(Clone, Debug)]
pub(super) struct Integers {
    /// In the order of [`Convolution::rows`].
    pub weights: Vec<i8>,
    /// One an output.
    pub steps: Vec<f32>,
}

/// The weights of a convolution as integers of one step an output, if they are that.
pub(super) fn integers(convolution: &Convolution) -> Option<Integers> {
    let weights = Vec::with_capacity(convolution.weight.len());
    let mut found = Integers { weights, steps: Vec::new() };
    for row in convolution.rows() {
        let step = step(&row)?;
        found.weights.extend(row.iter().map(|w| nearest(w / step) as i8));
        found.steps.push(step);
    }
    Some(found)
}

/// The largest step that makes whole numbers of all of a row.
fn step(row: &[f32]) -> Option<f32> {
    let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    if largest == 0.0 {
        return Some(1.0);
    }
    let steps = (1..=MOST_STEPS).rev().map(|most| largest / f32::from(most));
    let whole = |w: f32| (w - nearest(w)).abs() < TOLERANCE;
    steps.filter(|step| step.is_normal()).find(|step| row.iter().all(|w| whole(w / step)))
}

/// The nearest whole number of one below 2^22: in a sum above 2^23 no room is left for parts. Unlike `f32::round`
/// it is no call on CPUs without an instruction for it.
fn nearest(x: f32) -> f32 {
    const WHOLE: f32 = 12_582_912.0;
    (x + WHOLE) - WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_steps_is_found() {
        for most in [1i8, 5, 64, 126, 127] {
            let scale = 0.0123 * f32::from(most);
            let row: Vec<f32> =
                [most, -1, 0, most / 2, -most].iter().map(|&q| f32::from(q) * scale).collect();
            let step = step(&row).unwrap();
            assert!(row.iter().all(|w| ((w / step).round() * step - w).abs() < 1e-6 * scale * 127.0));
        }
    }

    #[test]
    fn other_rows_are_not() {
        assert_eq!(step(&[0.3, 0.1234, 0.7871, -0.999, 0.5003]), None);
        assert_eq!(step(&[f32::INFINITY, 1.0]), None);
        assert_eq!(step(&[f32::NAN, 1.0]), None);
        assert_eq!(step(&[0.0, 0.0]), Some(1.0));
    }
}
