//! Constant weights that a file keeps as integers, turned into floats in one pass.
//!
//! tract folds constants, too, but operator by operator through loops that broadcast any shape: for a network of a
//! million weights that is a tenth of a second.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::math::{Mul, Sub};

/// Replaces every `(integers - zero) * step` of constants, one zero and step a channel, by its value.
pub(super) fn fold(model: &mut TypedModel) -> TractResult<()> {
    for node in 0..model.nodes().len() {
        let Some(value) = value(model, node)? else { continue };
        let mut patch = TypedModelPatch::default();
        let by = patch.add_const(&model.node(node).name, value)?;
        patch.shunt_outside(model, node.into(), by)?;
        patch.apply(model)?;
    }
    // Otherwise tract would fold what nothing reads any more.
    model.compact()
}

fn value(model: &TypedModel, node: usize) -> TractResult<Option<Tensor>> {
    let Some((difference, steps)) = operands(model, node, |op| op.0.is::<Mul>())? else { return Ok(None) };
    let Some((floats, zeros)) = operands(model, difference, |op| op.0.is::<Sub>())? else { return Ok(None) };
    let cast = model.node(floats);
    if cast.op_as::<Cast>().is_none_or(|cast| cast.to != f32::datum_type()) {
        return Ok(None);
    }
    let Some(integers) = &model.outlet_fact(cast.inputs[0])?.konst else { return Ok(None) };
    let wide = integers.cast_to::<i32>()?;
    let wide = wide.try_as_plain_ram()?.as_slice::<i32>()?.to_vec();
    let small = integers.datum_type().is_integer() && wide.iter().all(|v| v.unsigned_abs() <= 1 << 24);
    let Some(inner) = small.then(|| rows(integers.shape(), [zeros.shape(), steps.shape()])).flatten() else {
        return Ok(None);
    };
    let (zeros, steps) = (zeros.try_as_plain_ram()?, steps.try_as_plain_ram()?);
    let (zeros, steps) = (zeros.as_slice::<f32>()?, steps.as_slice::<f32>()?);
    let row = |(at, row): (usize, &[i32])| {
        let channel = at % steps.len();
        row.iter().map(move |&v| (v as f32 - zeros[channel]) * steps[channel]).collect::<Vec<f32>>()
    };
    let values: Vec<f32> = wide.chunks(inner).enumerate().flat_map(row).collect();
    Ok(Some(Tensor::from_shape(integers.shape(), &values)?))
}

/// The variable and the constant F32 operand of a node, if its operator is the wanted one.
fn operands(
    model: &TypedModel,
    node: usize,
    wanted: fn(&TypedBinOp) -> bool,
) -> TractResult<Option<(usize, Arc<Tensor>)>> {
    let node = model.node(node);
    if !node.op_as::<TypedBinOp>().is_some_and(wanted) {
        return Ok(None);
    }
    let konst = model.outlet_fact(node.inputs[1])?.konst.clone();
    let floats = konst.filter(|konst| konst.datum_type() == f32::datum_type());
    Ok(floats.map(|konst| (node.inputs[0].node, konst)))
}

/// Values that one number of each parameter is for, if both have one axis longer than 1, the same of `shape`.
fn rows(shape: &[usize], parameters: [&[usize]; 2]) -> Option<usize> {
    let axis = parameters[0].iter().position(|&dim| dim != 1).unwrap_or(0);
    let along = |parameter: &[usize]| {
        let others = parameter.iter().enumerate().all(|(at, &dim)| at == axis || dim == 1);
        parameter.len() == shape.len() && others && parameter.get(axis) == shape.get(axis)
    };
    let inner = shape.get(axis + 1..)?.iter().product();
    (parameters.into_iter().all(along) && inner > 0).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_axis_of_parameters() {
        assert_eq!(rows(&[4, 3, 2, 2], [&[4, 1, 1, 1], &[4, 1, 1, 1]]), Some(12));
        assert_eq!(rows(&[4, 3], [&[1, 3], &[1, 3]]), Some(1));
        assert_eq!(rows(&[5], [&[5], &[5]]), Some(1));
        for other in [[[4, 1], [1, 3]], [[1, 1], [4, 1]], [[4, 3], [4, 3]], [[2, 1], [2, 1]]] {
            assert_eq!(rows(&[4, 3], [&other[0], &other[1]]), None);
        }
    }
}
