//! Folded layers as an ONNX file: Conv, PRelu, Add, Flatten, Gemm, nothing else.

use super::FoldedLayer;
use crate::arch::{DIMENSION, INPUT_SIDE, Kind};
use crate::onnx::{Writer, int, ints};

pub use crate::onnx::OPSET;

/// Name of the input, 1x3x112x112, RGB, (pixel - 127.5) / 127.5.
pub const INPUT: &str = "input";
/// Name of the output, 1x512, not normalised.
pub const OUTPUT: &str = "embedding";

/// The network's file.
pub fn to_onnx(name: &str, layers: &[FoldedLayer]) -> Vec<u8> {
    let mut writer = Writer::new(name);
    let (mut x, mut block_input) = (INPUT.to_string(), String::new());
    for folded in layers {
        let layer = &folded.layer;
        if layer.name.ends_with(".expand") {
            block_input = x.clone();
        }
        x = match layer.kind {
            Kind::Linear => linear(&mut writer, &x, folded),
            _ => convolution(&mut writer, &x, folded),
        };
        x = prelu(&mut writer, x, folded);
        if layer.residual {
            let inputs = vec![x, block_input.clone()];
            x = writer.node("Add", format!("{}.add", layer.name), inputs, vec![]);
        }
    }
    writer.finish((INPUT, &[1, 3, INPUT_SIDE, INPUT_SIDE]), (OUTPUT, &[1, DIMENSION]))
}

/// The layer's PReLU, if it has one.
pub(crate) fn prelu(writer: &mut Writer, x: String, folded: &FoldedLayer) -> String {
    let Some(slope) = &folded.slope else { return x };
    let name = &folded.layer.name;
    let slopes = writer.floats(format!("{name}.slope"), &[slope.len(), 1, 1], slope);
    writer.node("PRelu", format!("{name}.prelu"), vec![x, slopes], vec![])
}

/// A convolution with bias.
pub(crate) fn convolution(writer: &mut Writer, x: &str, folded: &FoldedLayer) -> String {
    let layer = &folded.layer;
    let weight = writer.floats(format!("{}.weight", layer.name), &layer.weight_shape(), &folded.weight);
    let bias = writer.floats(format!("{}.bias", layer.name), &[layer.outputs], &folded.bias);
    let (kernel, stride, padding) = (layer.kernel as i64, layer.stride as i64, layer.padding as i64);
    let attributes = vec![
        ints("dilations", &[1, 1]),
        int("group", layer.groups as i64),
        ints("kernel_shape", &[kernel; 2]),
        ints("pads", &[padding; 4]),
        ints("strides", &[stride; 2]),
    ];
    writer.node("Conv", layer.name.clone(), vec![x.into(), weight, bias], attributes)
}

fn linear(writer: &mut Writer, x: &str, folded: &FoldedLayer) -> String {
    let layer = &folded.layer;
    let flat = writer.node("Flatten", "flatten".into(), vec![x.into()], vec![int("axis", 1)]);
    let shape = [layer.outputs, layer.inputs];
    let weight = writer.floats(format!("{}.weight", layer.name), &shape, &folded.weight);
    let bias = writer.floats(format!("{}.bias", layer.name), &[layer.outputs], &folded.bias);
    writer.node("Gemm", OUTPUT.into(), vec![flat, weight, bias], vec![int("transB", 1)])
}
