//! A float network with rounded activations and integer weights, as quantisers write it.

use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

use super::mobilefacenet::value;

/// How a network is rounded.
#[derive(Clone, Copy, Debug)]
pub struct Rounding {
    /// The summands of additions, too, not only what convolutions read.
    pub sums: bool,
    /// Bytes from 0 to 255 instead of -128 to 127.
    pub unsigned: bool,
    /// Weights as integers; else in floats that are no multiples of anything.
    pub weights: bool,
}

/// Steps of activations.
const STEP: f32 = 0.04;
/// What stands for 0, from -128 on.
const ZERO: u8 = 100;

/// The first `nodes` nodes of a network with this rounding; its output has the last node's values, of `shape`.
pub fn rounded(model: &[u8], rounding: Rounding, nodes: usize, shape: &[i64]) -> Vec<u8> {
    let mut model = ModelProto::decode(model).expect("a model");
    let graph = model.graph.as_mut().expect("a graph");
    let mut old = std::mem::take(&mut graph.node);
    old.truncate(nodes);
    constants(graph, rounding.unsigned);
    let mut done: Vec<String> = Vec::new();
    for mut node in old {
        let layer = ["Conv", "Gemm"].contains(&node.op_type.as_str());
        let inputs = if layer {
            1
        } else if rounding.sums && node.op_type == "Add" {
            2
        } else {
            0
        };
        for input in node.input.iter_mut().take(inputs) {
            if !done.contains(input) {
                done.push(input.clone());
                pair(graph, input);
            }
            *input = format!("{input}.dq");
        }
        if layer && rounding.weights {
            node.input[1] = integer_weights(graph, &node.input[1]);
        }
        graph.node.push(node);
    }
    let last = graph.node.last_mut().expect("nodes");
    last.output = vec!["out".into()];
    graph.output = vec![value("out", shape)];
    model.encode_to_vec()
}

fn constants(graph: &mut GraphProto, unsigned: bool) {
    let step = TensorProto { float_data: vec![STEP], ..tensor("step", DataType::Float, &[]) };
    let (of, zero) =
        if unsigned { (DataType::Uint8, ZERO) } else { (DataType::Int8, ZERO.wrapping_sub(128)) };
    let zero = TensorProto { raw_data: vec![zero], ..tensor("zero", of, &[]) };
    graph.initializer.extend([step, zero]);
}

fn tensor(name: &str, of: DataType, dims: &[i64]) -> TensorProto {
    TensorProto { name: name.into(), data_type: of as i32, dims: dims.to_vec(), ..TensorProto::default() }
}

fn node(op: &str, input: [&str; 3], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: output.into(),
        input: input.map(String::from).to_vec(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn pair(graph: &mut GraphProto, x: &str) {
    let (bytes, back) = (format!("{x}.q"), format!("{x}.dq"));
    graph.node.push(node("QuantizeLinear", [x, "step", "zero"], &bytes));
    graph.node.push(node("DequantizeLinear", [&bytes, "step", "zero"], &back));
}

/// Puts bytes in the place of a weight; the name of what turns them back.
fn integer_weights(graph: &mut GraphProto, name: &str) -> String {
    let weight = graph.initializer.iter_mut().find(|t| t.name == name).expect("a weight");
    let dims = weight.dims.clone();
    let values: Vec<f32> =
        weight.raw_data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let row = values.len() / dims[0] as usize;
    let largest = |row: &[f32]| row.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    let steps: Vec<f32> = values.chunks(row).map(|row| largest(row) / 127.0).collect();
    let byte = |(i, v): (usize, &f32)| (v / steps[i / row]).round() as i8 as u8;
    let raw_data = values.iter().enumerate().map(byte).collect();
    let names = ["q", "step", "zero", "dq"].map(|part| format!("{name}.{part}"));
    *weight = TensorProto { raw_data, ..tensor(&names[0], DataType::Int8, &dims) };
    let zeros =
        TensorProto { raw_data: vec![0; steps.len()], ..tensor(&names[2], DataType::Int8, &dims[..1]) };
    graph
        .initializer
        .push(TensorProto { float_data: steps, ..tensor(&names[1], DataType::Float, &dims[..1]) });
    graph.initializer.push(zeros);
    let mut back = node("DequantizeLinear", [&names[0], &names[1], &names[2]], &names[3]);
    back.attribute.push(AttributeProto {
        name: "axis".into(),
        i: 0,
        r#type: tract_onnx::pb::attribute_proto::AttributeType::Int as i32,
        ..AttributeProto::default()
    });
    graph.node.push(back);
    names[3].clone()
}
