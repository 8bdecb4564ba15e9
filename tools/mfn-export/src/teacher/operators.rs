//! Two of tract's operators done faster, for teachers in the style of ConvNeXt: layer
//! normalisation in one pass (tract takes it apart into six), and depthwise convolutions with large
//! kernels over small maps. They took two fifths of EdgeFace's time.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_hir::internal::*;

/// Numbers that one loop works on together; the compiler makes vector instructions of it.
const LANES: usize = 8;

/// The register's builder for ONNX's `LayerNormalization` over the last axis; others are left to tract.
pub(super) fn layer_norm(
    context: &ParsingContext,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = node.get_attr_opt::<isize>("axis")?.unwrap_or(-1);
    if axis != -1 || node.input.len() != 3 || node.output.len() != 1 {
        return tract_onnx::onnx().op_register.0[&node.op_type](context, node);
    }
    let epsilon = node.get_attr_opt("epsilon")?.unwrap_or(1e-5);
    Ok((expand(OnnxLayerNorm { epsilon }), vec![]))
}

#[derive(Clone, Debug)]
struct OnnxLayerNorm {
    epsilon: f32,
}

impl Expansion for OnnxLayerNorm {
    fn name(&self) -> StaticName {
        "LayerNormalization".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 3)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)?;
        Ok(())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let scale = constant(model, inputs[1])?;
        let bias = constant(model, inputs[2])?;
        model.wire_node(prefix, LayerNorm { scale, bias, epsilon: self.epsilon.to_bits() }, &inputs[..1])
    }
}

fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Arc<Tensor>> {
    let konst = model.outlet_fact(outlet)?.konst.clone();
    konst.context("layer normalisation needs constant scale and bias")
}

/// Normalises each row of the last axis: (x - mean) / sqrt(variance + epsilon) * scale + bias.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LayerNorm {
    scale: Arc<Tensor>,
    bias: Arc<Tensor>,
    epsilon: u32,
}

impl Op for LayerNorm {
    fn name(&self) -> StaticName {
        "RowNorm".into()
    }

    op_as_typed_op!();
}

impl EvalOp for LayerNorm {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut x = args_1!(inputs).into_tensor();
        let (scale, bias) = (self.scale.try_as_plain_ram()?, self.bias.try_as_plain_ram()?);
        let (scale, bias) = (scale.as_slice::<f32>()?, bias.as_slice::<f32>()?);
        let epsilon = f32::from_bits(self.epsilon);
        for row in x.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?.chunks_exact_mut(scale.len()) {
            normalise_row(row, scale, bias, epsilon);
        }
        Ok(tvec!(x.into_tvalue()))
    }
}

impl TypedOp for LayerNorm {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].datum_type.fact(inputs[0].shape.clone())))
    }
}

fn normalise_row(row: &mut [f32], scale: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row, |x| x) / count;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for ((x, scale), bias) in row.iter_mut().zip(scale).zip(bias) {
        *x = (*x - mean) * factor * scale + bias;
    }
}

fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let parts = row.chunks_exact(LANES);
    let rest: f32 = parts.remainder().iter().map(|x| of(*x)).sum();
    for part in parts {
        for (lane, x) in lanes.iter_mut().zip(part) {
            *lane += of(*x);
        }
    }
    rest + lanes.iter().sum::<f32>()
}

/// Puts `Depthwise` in the place of every convolution of stride 1 with one channel a group whose
/// padding keeps the map's size.
pub(super) fn replace_depthwise(model: &mut TypedModel) -> TractResult<()> {
    for id in 0..model.nodes().len() {
        let Some(op) = depthwise(model, id)? else { continue };
        let input = model.node(id).inputs[0];
        TypedModelPatch::replace_single_op(model, model.node(id), &[input], op)?.apply(model)?;
    }
    Ok(())
}

fn depthwise(model: &TypedModel, id: usize) -> TractResult<Option<Depthwise>> {
    let node = model.node(id);
    let Some(conv) = node.op_as::<Conv>() else { return Ok(None) };
    let facts = model.node_input_facts(id)?;
    let [_, kernel, bias] = &facts[..] else { return Ok(None) };
    let (Some(kernel), Some(bias)) = (&kernel.konst, &bias.konst) else { return Ok(None) };
    if !keeps_the_map(conv) || bias.len() != conv.group || kernel.datum_type() != f32::datum_type() {
        return Ok(None);
    }
    let side = conv.pool_spec.kernel_shape[0];
    // From [channel, tap] to [tap, channel].
    let kernel = kernel.as_ref().clone().into_shape(&[conv.group, side * side])?.permute_axes(&[1, 0])?;
    let channels_last = conv.pool_spec.data_format == DataFormat::NHWC;
    Ok(Some(Depthwise { kernel: kernel.into(), bias: bias.clone(), side, channels_last }))
}

fn keeps_the_map(conv: &Conv) -> bool {
    let pool = &conv.pool_spec;
    let side = pool.kernel_shape[0];
    let ones = |values: &Option<TVec<usize>>| values.as_ref().is_none_or(|v| v.iter().all(|s| *s == 1));
    let half = |pad: &TVec<usize>| pad.iter().all(|p| *p == side / 2);
    conv.group == pool.input_channels
        && conv.group == pool.output_channels
        && conv.q_params.is_none()
        && conv.kernel_fmt == KernelFormat::OIHW
        && matches!(pool.data_format, DataFormat::NCHW | DataFormat::NHWC)
        && pool.kernel_shape[..] == [side, side]
        && side % 2 == 1
        && ones(&pool.strides)
        && ones(&pool.dilations)
        && matches!(&pool.padding, PaddingSpec::Explicit(a, b) if half(a) && half(b))
}

/// Depthwise convolution with a square odd kernel, stride 1, the map's size kept. It works on maps
/// with their channels last, so that one instruction serves several channels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Depthwise {
    /// `[side * side, channels]`.
    kernel: Arc<Tensor>,
    bias: Arc<Tensor>,
    side: usize,
    channels_last: bool,
}

impl Op for Depthwise {
    fn name(&self) -> StaticName {
        "DepthwiseRows".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Depthwise {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut x = args_1!(inputs).into_tensor();
        if !self.channels_last {
            x = x.permute_axes(&[0, 2, 3, 1])?;
        }
        let &[_, height, width, channels] = x.shape() else { bail!("depthwise convolution of {x:?}") };
        let mut out = Tensor::zero::<f32>(x.shape())?;
        let (kernel, bias) = (self.kernel.try_as_plain_ram()?, self.bias.try_as_plain_ram()?);
        let taps = Taps { weights: kernel.as_slice()?, bias: bias.as_slice()?, side: self.side };
        let (input, mut output) = (x.try_as_plain_ram()?, out.try_as_plain_ram_mut()?);
        let maps = input.as_slice::<f32>()?.chunks_exact(height * width * channels);
        for (from, to) in maps.zip(output.as_slice_mut::<f32>()?.chunks_exact_mut(height * width * channels))
        {
            taps.convolve(from, to, [height, width]);
        }
        if !self.channels_last {
            out = out.permute_axes(&[0, 3, 1, 2])?;
        }
        Ok(tvec!(out.into_tvalue()))
    }
}

impl TypedOp for Depthwise {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].datum_type.fact(inputs[0].shape.clone())))
    }
}

/// A depthwise kernel, tap after tap.
struct Taps<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    side: usize,
}

impl Taps<'_> {
    /// Convolves one `[height, width, channels]` map; taps beyond its border are left out.
    fn convolve(&self, map: &[f32], out: &mut [f32], [height, width]: [usize; 2]) {
        let (channels, half) = (self.bias.len(), self.side / 2);
        let within = |at: usize, len: usize| half.saturating_sub(at)..self.side.min(len + half - at);
        for (number, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (number / width, number % width);
            pixel.copy_from_slice(self.bias);
            for ky in within(y, height) {
                for kx in within(x, width) {
                    let from = &map[((y + ky - half) * width + x + kx - half) * channels..][..channels];
                    let weights = &self.weights[(ky * self.side + kx) * channels..][..channels];
                    for ((sum, weight), value) in pixel.iter_mut().zip(weights).zip(from) {
                        *sum += weight * value;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_normalised() {
        let mut row: Vec<f32> = (0..11).map(|i| i as f32).collect();
        normalise_row(&mut row, &[2.0; 11], &[1.0; 11], 0.0);
        // Mean 5 and variance 10 by hand.
        for (i, x) in row.iter().enumerate() {
            let expected = (i as f32 - 5.0) / 10.0_f32.sqrt() * 2.0 + 1.0;
            assert!((x - expected).abs() < 1e-5, "{i}: {x}");
        }
    }

    #[test]
    fn maps_are_convolved_as_the_definition_says() {
        let mut rng = fastrand::Rng::with_seed(3);
        let channels = 5;
        for (height, width, side) in [(7, 7, 9), (14, 14, 5), (3, 28, 3), (1, 1, 7), (9, 13, 7)] {
            let mut random = |n: usize| (0..n).map(|_| rng.f32() - 0.5).collect::<Vec<f32>>();
            let map = random(height * width * channels);
            let (weights, bias) = (random(side * side * channels), random(channels));
            let mut out = vec![0.0; map.len()];
            Taps { weights: &weights, bias: &bias, side }.convolve(&map, &mut out, [height, width]);
            let at = |y: isize, x: isize, c: usize| {
                let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                if inside { map[(y as usize * width + x as usize) * channels + c] } else { 0.0 }
            };
            for (i, got) in out.iter().enumerate() {
                let (pixel, c, half) = (i / channels, i % channels, side as isize / 2);
                let (y, x) = ((pixel / width) as isize - half, (pixel % width) as isize - half);
                let tap = |k: usize| {
                    weights[k * channels + c] * at(y + (k / side) as isize, x + (k % side) as isize, c)
                };
                let expected = bias[c] + (0..side * side).map(tap).sum::<f32>();
                assert!((got - expected).abs() < 1e-5, "{height}x{width}, {side}: {got} {expected}");
            }
        }
    }
}
