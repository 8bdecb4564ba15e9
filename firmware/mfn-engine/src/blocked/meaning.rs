//! What a node of tract's typed graph means in terms of feature maps, if it means something that we have kernels for.

use mfn_kernels::conv::int8::Grid;
use mfn_kernels::conv::{BLOCK, Kind, Shape};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PoolSpec};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::{Add, Max, Mul};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::rounding;
use crate::prelu::PRelu;

/// Channels and size of the one image's map at an outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub channels: usize,
    pub size: [usize; 2],
}

impl Map {
    /// Channels filled up to whole blocks.
    pub(super) fn padded(self) -> usize {
        self.channels.next_multiple_of(BLOCK)
    }

    /// Values in blocked form.
    pub(super) fn len(self) -> usize {
        self.padded() * self.size[0] * self.size[1]
    }
}

/// A convolution (or linear layer) with plain weights.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// The kernel's view, channels filled up to whole blocks.
    pub shape: Shape,
    /// `[outputs, inputs / groups, ...]`, or `[inputs, outputs]` if `transposed`.
    pub weight: Arc<Tensor>,
    pub transposed: bool,
    /// Outputs before filling up.
    pub outputs: usize,
    /// One a channel.
    pub bias: Vec<f32>,
}

/// What a node does to its first input that is not constant.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Convolution(Convolution),
    /// Times a constant, one a channel.
    Scale(Vec<f32>),
    /// Plus a constant, one a channel.
    Shift(Vec<f32>),
    /// Negative values times a slope, one a channel: PReLU, ReLU.
    Slope(Vec<f32>),
    /// The sum of two maps.
    Add,
    /// The largest of each 2x2.
    Pool,
    /// Each value four times, in a 2x2.
    Double,
    /// The same values of a map of one pixel, in another rank.
    Same,
    /// Bytes of a grid; only [`Meaning::Dequantise`] reads them.
    Quantise(Grid),
    /// The values that bytes stand for.
    Dequantise,
}

/// What a node means, if we have kernels for it.
pub(super) fn of(model: &TypedModel, node: usize) -> TractResult<Option<Meaning>> {
    let node = model.node(node);
    if let Some(meaning) = rounding::of(model, node)? {
        return Ok(Some(meaning));
    }
    if node.outputs.len() != 1 || map(model, node.id.into())?.is_none() {
        return Ok(None);
    }
    if let Some(op) = node.op_as::<Conv>() {
        return convolution(model, node, op);
    }
    if let Some(op) = node.op_as::<EinSum>() {
        return linear(model, node, op);
    }
    if let Some(op) = node.op_as::<PRelu>() {
        return Ok(Some(Meaning::Slope(op.slopes().to_vec())));
    }
    if let Some(op) = node.op_as::<TypedBinOp>() {
        return binary(model, node, op);
    }
    let (Some(from), Some(to)) =
        (map(model, node.inputs.first().copied().unwrap_or(node.id.into()))?, map(model, node.id.into())?)
    else {
        return Ok(None);
    };
    if node.op_is::<AxisOp>() && from == to && from.size == [1, 1] {
        return Ok(Some(Meaning::Same));
    }
    if let Some(op) = node.op_as::<MaxPool>() {
        let plain = op.with_index_outputs.is_none() && geometry(&op.pool_spec, from.size)? == Some((2, 2, 0));
        return Ok((plain && from.size.iter().all(|n| n % 2 == 0)).then_some(Meaning::Pool));
    }
    doubles(model, node, from, to)
}

/// The map at an outlet: F32, one image, a channels' axis and at most two more.
pub(super) fn map(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Map>> {
    let fact = model.outlet_fact(outlet)?;
    let Some([1, channels, size @ ..]) = fact.shape.as_concrete() else { return Ok(None) };
    let size = match size {
        [] => [1, 1],
        &[w] => [1, w],
        &[h, w] => [h, w],
        _ => return Ok(None),
    };
    let right = fact.datum_type == f32::datum_type() && fact.konst.is_none() && *channels > 0;
    Ok((right && size[0] > 0 && size[1] > 0).then_some(Map { channels: *channels, size }))
}

/// The constant at an outlet.
fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    Ok(model.outlet_fact(outlet)?.konst.clone())
}

fn floats(tensor: &Tensor) -> Option<&[f32]> {
    tensor.try_as_plain_ram().ok()?.as_slice::<f32>().ok()
}

/// A constant's value for each channel, from any shape that broadcasts to that.
fn channel_values(tensor: &Tensor, rank: usize, channels: usize) -> Option<Vec<f32>> {
    let values = floats(tensor)?;
    let channel_axis = (tensor.rank() + 1).checked_sub(rank);
    let lone = |(axis, &dim): (usize, &usize)| Some(axis) == channel_axis || dim == 1;
    match values.len() {
        1 => Some(vec![values[0]; channels]),
        n if n == channels && tensor.shape().iter().enumerate().all(lone) => Some(values.to_vec()),
        _ => None,
    }
}

/// Kernel, stride and padding, if they are the same both ways and nothing is dilated.
fn geometry(spec: &PoolSpec, size: [usize; 2]) -> TractResult<Option<(usize, usize, usize)>> {
    if spec.data_format != DataFormat::NCHW || spec.rank() != 2 {
        return Ok(None);
    }
    let padding = spec.computed_padding(&size);
    let one = |axis: usize| (spec.kernel_shape[axis], spec.stride(axis), padding[axis].pad_before);
    let plain = one(0) == one(1) && spec.dilations().iter().all(|&d| d == 1);
    Ok(plain.then(|| one(0)))
}

fn convolution(model: &TypedModel, node: &TypedNode, op: &Conv) -> TractResult<Option<Meaning>> {
    let (Some(from), Some(to)) = (map(model, node.inputs[0])?, map(model, node.id.into())?) else {
        return Ok(None);
    };
    let (weight, bias) = (constant(model, node.inputs[1])?, constant(model, node.inputs[2])?);
    let (Some(weight), Some(bias)) = (weight, bias) else { return Ok(None) };
    let plain = op.q_params.is_none() && op.kernel_fmt == KernelFormat::OIHW && floats(&weight).is_some();
    let outputs = to.channels;
    let bias = floats(&bias).map(|b| if b.len() == 1 { vec![b[0]; outputs] } else { b.to_vec() });
    let (Some(bias), true) = (bias.filter(|b| b.len() == outputs), plain) else { return Ok(None) };
    let geometry = geometry(&op.pool_spec, from.size)?;
    let Some(kind) = kind(geometry, &op.pool_spec.kernel_shape, op.group, from, to) else { return Ok(None) };
    let inputs = if kind == Kind::Stem { 3 } else { from.padded() };
    let shape = Shape { kind, inputs, outputs: to.padded(), size: from.size };
    let right = shape.output_size() == to.size;
    Ok(right.then_some(Meaning::Convolution(Convolution { shape, weight, transposed: false, outputs, bias })))
}

/// The kernel for a convolution, if there is one.
fn kind(
    geometry: Option<(usize, usize, usize)>,
    kernel: &[usize],
    groups: usize,
    from: Map,
    to: Map,
) -> Option<Kind> {
    let depthwise = groups == from.channels && groups == to.channels;
    if depthwise && kernel == from.size && to.size == [1, 1] && kernel != [1, 1] {
        return Some(Kind::Global);
    }
    let fan = from.channels / groups;
    let whole = from.channels.is_multiple_of(BLOCK) && from.channels == to.channels;
    match geometry? {
        (1, 1, 0) if groups == 1 => Some(Kind::Pointwise),
        (3, 2, 1) if groups == 1 && from.channels == 3 => Some(Kind::Stem),
        (3, stride @ (1 | 2), 1) if depthwise => Some(Kind::Planes { stride, fan: 1 }),
        (3, 1, 1) if whole && [2, 4, 8, 16].contains(&fan) => Some(Kind::Planes { stride: 1, fan }),
        _ => None,
    }
}

/// A matrix product with constant weights is a 1x1 convolution of a map of one pixel.
fn linear(model: &TypedModel, node: &TypedNode, op: &EinSum) -> TractResult<Option<Meaning>> {
    if node.inputs.len() != 2 || op.q_params.is_some() || model.outlet_fact(node.inputs[0])?.rank() != 2 {
        return Ok(None);
    }
    let (from, to) = (map(model, node.inputs[0])?, map(model, node.id.into())?);
    let (Some(from), Some(to)) = (from, to) else { return Ok(None) };
    let Some(weight) = constant(model, node.inputs[1])? else { return Ok(None) };
    let transposed = match op.axes.to_string().as_str() {
        "mk,kn->mn" => true,
        "mk,nk->mn" => false,
        _ => return Ok(None),
    };
    let (inputs, outputs) = (from.padded(), to.padded());
    let shape = Shape { kind: Kind::Pointwise, inputs, outputs, size: [1, 1] };
    let bias = vec![0.0; to.channels];
    let convolution = Convolution { shape, weight, transposed, outputs: to.channels, bias };
    Ok(floats(&convolution.weight).is_some().then_some(Meaning::Convolution(convolution)))
}

fn binary(model: &TypedModel, node: &TypedNode, op: &TypedBinOp) -> TractResult<Option<Meaning>> {
    let Some(to) = map(model, node.id.into())? else { return Ok(None) };
    let rank = model.outlet_fact(node.id.into())?.rank();
    let same = |outlet| Ok::<_, TractError>(map(model, outlet)? == Some(to));
    let (left, right) = (same(node.inputs[0])?, same(node.inputs[1])?);
    let other = match (left, right) {
        (true, true) => return Ok(op.0.is::<Add>().then_some(Meaning::Add)),
        (true, false) => node.inputs[1],
        (false, true) => node.inputs[0],
        _ => return Ok(None),
    };
    let constant = constant(model, other)?;
    let Some(values) = constant.and_then(|c| channel_values(&c, rank, to.channels)) else { return Ok(None) };
    Ok(if op.0.is::<Add>() {
        Some(Meaning::Shift(values))
    } else if op.0.is::<Mul>() {
        Some(Meaning::Scale(values))
    } else {
        (op.0.is::<Max>() && values.iter().all(|&v| v == 0.0)).then_some(Meaning::Slope(values))
    })
}

/// Whether a node named as a resizing doubles each value: asked by trying it, so that it does not matter which of
/// ONNX's many ways to say so was used.
fn doubles(model: &TypedModel, node: &TypedNode, from: Map, to: Map) -> TractResult<Option<Meaning>> {
    let twice = to.channels == from.channels && to.size == from.size.map(|n| 2 * n);
    if !twice || !node.op().name().contains("Resize") {
        return Ok(None);
    }
    let (count, [_, w]) = (from.channels * from.size[0] * from.size[1], from.size);
    // No two values alike, none halfway between others: 24 bits hold each exactly.
    let probe: Vec<f32> = (0..count).map(|i| (i * i % (1 << 24)) as f32).collect();
    let shape = model.outlet_fact(node.inputs[0])?.shape.as_concrete().unwrap_or_default();
    let mut inputs = tvec!(Tensor::from_shape(shape, &probe)?.into_tvalue());
    for &input in &node.inputs[1..] {
        let Some(constant) = constant(model, input)? else { return Ok(None) };
        inputs.push(TValue::from_const(constant));
    }
    let Some(outputs) = node.op().eval_out_of_plan(inputs)? else { return Ok(None) };
    let doubled = floats(&outputs[0]).is_some_and(|found| {
        let expected = |at: usize| probe[at / (4 * w) * w + at % (2 * w) / 2];
        found.iter().enumerate().all(|(at, &value)| value == expected(at))
    });
    Ok(doubled.then_some(Meaning::Double))
}
