//! Folded layers as an ONNX file: Conv, PRelu, Add, Flatten, Gemm, nothing else.

use super::FoldedLayer;
use crate::arch::{DIMENSION, INPUT_SIDE, Kind};
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

/// Version of the operators; every runtime of the last four years reads it.
pub const OPSET: i64 = 17;
/// The file format that came with operator set 17 (ONNX 1.12).
const IR_VERSION: i64 = 8;
/// Name of the input, 1x3x112x112, RGB, (pixel - 127.5) / 127.5.
pub const INPUT: &str = "input";
/// Name of the output, 1x512, not normalised.
pub const OUTPUT: &str = "embedding";

/// The network's file.
pub fn to_onnx(name: &str, layers: &[FoldedLayer]) -> Vec<u8> {
    let mut writer = Writer { graph: GraphProto { name: name.into(), ..Default::default() } };
    let (mut x, mut block_input) = (INPUT.to_string(), String::new());
    for folded in layers {
        let layer = &folded.layer;
        if layer.name.ends_with(".expand") {
            block_input = x.clone();
        }
        x = match layer.kind {
            Kind::Linear => writer.linear(&x, folded),
            _ => writer.convolution(&x, folded),
        };
        if let Some(slope) = &folded.slope {
            let slopes = writer.tensor(format!("{}.slope", layer.name), &[slope.len(), 1, 1], slope);
            x = writer.node("PRelu", format!("{}.prelu", layer.name), vec![x, slopes], vec![]);
        }
        if layer.residual {
            let inputs = vec![x, block_input.clone()];
            x = writer.node("Add", format!("{}.add", layer.name), inputs, vec![]);
        }
    }
    writer.finish()
}

struct Writer {
    graph: GraphProto,
}

impl Writer {
    fn convolution(&mut self, x: &str, folded: &FoldedLayer) -> String {
        let layer = &folded.layer;
        let weight = self.tensor(format!("{}.weight", layer.name), &layer.weight_shape(), &folded.weight);
        let bias = self.tensor(format!("{}.bias", layer.name), &[layer.outputs], &folded.bias);
        let (kernel, stride, padding) = (layer.kernel as i64, layer.stride as i64, layer.padding as i64);
        let attributes = vec![
            ints("dilations", &[1, 1]),
            int("group", layer.groups as i64),
            ints("kernel_shape", &[kernel; 2]),
            ints("pads", &[padding; 4]),
            ints("strides", &[stride; 2]),
        ];
        self.node("Conv", layer.name.clone(), vec![x.into(), weight, bias], attributes)
    }

    fn linear(&mut self, x: &str, folded: &FoldedLayer) -> String {
        let layer = &folded.layer;
        let flat = self.node("Flatten", "flatten".into(), vec![x.into()], vec![int("axis", 1)]);
        let shape = [layer.outputs, layer.inputs];
        let weight = self.tensor(format!("{}.weight", layer.name), &shape, &folded.weight);
        let bias = self.tensor(format!("{}.bias", layer.name), &[layer.outputs], &folded.bias);
        self.node("Gemm", OUTPUT.into(), vec![flat, weight, bias], vec![int("transB", 1)])
    }

    /// Adds a node whose one output is called like it.
    fn node(
        &mut self,
        operator: &str,
        name: String,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        self.graph.node.push(NodeProto {
            op_type: operator.into(),
            name: name.clone(),
            input,
            output: vec![name.clone()],
            attribute,
            ..Default::default()
        });
        name
    }

    fn tensor(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            data_type: DataType::Float as i32,
            dims: shape.iter().map(|d| *d as i64).collect(),
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Default::default()
        });
        name
    }

    fn finish(mut self) -> Vec<u8> {
        let side = INPUT_SIDE as i64;
        self.graph.input = vec![value(INPUT, &[1, 3, side, side])];
        self.graph.output = vec![value(OUTPUT, &[1, DIMENSION as i64])];
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "mfn-export".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            graph: Some(self.graph),
            ..Default::default()
        }
        .encode_to_vec()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let ints = values.to_vec();
    AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints, ..Default::default() }
}

fn value(name: &str, shape: &[i64]) -> ValueInfoProto {
    let fixed = |d: &i64| Dimension { value: Some(dimension::Value::DimValue(*d)), ..Default::default() };
    let shape = TensorShapeProto { dim: shape.iter().map(fixed).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}
