//! Writing ONNX files with the protobuf types of the runtime.

use prost::Message;
use std::borrow::Cow;
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

/// One axis of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// Always this.
    Fixed(usize),
    /// Whatever is fed in; axes of one name are equal.
    Any(Cow<'static, str>),
}

/// A graph as it grows, node after node.
pub struct Writer {
    graph: GraphProto,
}

impl Writer {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self { graph: GraphProto { name: name.into(), ..Default::default() } }
    }

    /// Adds a node whose one output is called like it, and gives that name back.
    pub fn node(
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

    /// Adds a node that splits its input into several outputs.
    pub fn split(
        &mut self,
        name: String,
        input: Vec<String>,
        outputs: &[String],
        attribute: Vec<AttributeProto>,
    ) {
        self.graph.node.push(NodeProto {
            op_type: "Split".into(),
            name,
            input,
            output: outputs.to_vec(),
            attribute,
            ..Default::default()
        });
    }

    /// Adds a node with its constants as another file has them; a constant that is there already stays one.
    pub fn copy(&mut self, node: NodeProto, constants: &[TensorProto]) {
        for constant in constants {
            if self.graph.initializer.iter().all(|known| known.name != constant.name) {
                self.graph.initializer.push(constant.clone());
            }
        }
        self.graph.node.push(node);
    }

    /// Adds a constant, and gives its name back.
    pub fn floats(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        self.constant(name, DataType::Float, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// As [`Writer::floats`], of 8-bit integers.
    pub fn bytes(&mut self, name: String, shape: &[usize], values: &[i8]) -> String {
        self.constant(name, DataType::Int8, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// As [`Writer::floats`], of 64-bit integers: shapes and sizes.
    pub fn longs(&mut self, name: String, shape: &[usize], values: &[i64]) -> String {
        self.constant(name, DataType::Int64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn constant(&mut self, name: String, kind: DataType, shape: &[usize], raw_data: Vec<u8>) -> String {
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            data_type: kind as i32,
            dims: shape.iter().map(|d| *d as i64).collect(),
            raw_data,
            ..Default::default()
        });
        name
    }

    /// The file, with the name and shape of input and output.
    pub fn finish(self, input: (&str, &[usize]), output: (&str, &[usize])) -> Vec<u8> {
        let fixed = |shape: &[usize]| shape.iter().map(|n| Size::Fixed(*n)).collect::<Vec<_>>();
        self.finish_open((input.0, &fixed(input.1)), &[(output.0, &fixed(output.1))])
    }

    /// The file, with the name and shape of input and outputs, of which some axes may be open.
    pub fn finish_open(mut self, input: (&str, &[Size]), outputs: &[(&str, &[Size])]) -> Vec<u8> {
        self.graph.input = vec![value(input)];
        self.graph.output = outputs.iter().map(|output| value(*output)).collect();
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

/// An attribute that is one whole number.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i: value, ..Default::default() }
}

/// An attribute that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let ints = values.to_vec();
    AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints, ..Default::default() }
}

/// An attribute that is a text.
pub fn text(name: &str, value: &str) -> AttributeProto {
    let s = value.as_bytes().to_vec();
    AttributeProto { name: name.into(), r#type: AttributeType::String as i32, s, ..Default::default() }
}

fn value((name, shape): (&str, &[Size])) -> ValueInfoProto {
    let axis = |size: &Size| {
        let value = match size {
            Size::Fixed(n) => dimension::Value::DimValue(*n as i64),
            Size::Any(name) => dimension::Value::DimParam(name.to_string()),
        };
        Dimension { value: Some(value), ..Default::default() }
    };
    let shape = TensorShapeProto { dim: shape.iter().map(axis).collect() };
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}
