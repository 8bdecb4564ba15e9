//! The paper's network as an ONNX file with random weights, batch norms folded into biases: the
//! same operators, shapes and cost as a trained one.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

/// The file's bytes at scale 1; the same seed gives the same file.
pub fn mobilefacenet(seed: u64) -> Vec<u8> {
    mobilefacenet_scaled(seed, 1)
}

/// The file's bytes at a scale, 1 or 2.
pub fn mobilefacenet_scaled(seed: u64, scale: i64) -> Vec<u8> {
    let mut net = Builder { graph: GraphProto::default(), seed };
    let x = net.conv("input", [3, 64 * scale, 3], 2, 1);
    let x = net.prelu(x, 64 * scale);
    let x = net.conv(&x, [64 * scale, 64 * scale, 3], 1, 64);
    let mut x = net.prelu(x, 64 * scale);
    // Channels in and out, expansion, how often, stride: network.md's table of the paper.
    for (inside, outside, expansion, repeat, stride) in [
        (64, 64, 128, 1, 2),
        (64, 64, 128, 4, 1),
        (64, 128, 256, 1, 2),
        (128, 128, 256, 6, 1),
        (128, 128, 512, 1, 2),
        (128, 128, 256, 2, 1),
    ] {
        for _ in 0..repeat {
            x = net.block(x, scale * inside, expansion, scale * outside, stride);
        }
    }
    let x = net.conv(&x, [128 * scale, 512, 1], 1, 1);
    let x = net.prelu(x, 512);
    let x = net.conv_padded(&x, [512, 512, 7], 1, 512, 0);
    let x = net.node("Flatten", &[&x], vec![]);
    net.linear(&x);
    net.finish()
}

struct Builder {
    graph: GraphProto,
    seed: u64,
}

impl Builder {
    fn block(&mut self, x: String, inside: i64, expansion: i64, outside: i64, stride: i64) -> String {
        let wide = self.conv(&x, [inside, expansion, 1], 1, 1);
        let wide = self.prelu(wide, expansion);
        let wide = self.conv(&wide, [expansion, expansion, 3], stride, expansion);
        let wide = self.prelu(wide, expansion);
        let narrow = self.conv(&wide, [expansion, outside, 1], 1, 1);
        if stride == 1 { self.node("Add", &[&narrow, &x], vec![]) } else { narrow }
    }

    /// A convolution of [in, out, kernel] with the padding that keeps the size at stride 1.
    fn conv(&mut self, x: &str, shape: [i64; 3], stride: i64, groups: i64) -> String {
        self.conv_padded(x, shape, stride, groups, shape[2] / 2)
    }

    fn conv_padded(&mut self, x: &str, shape: [i64; 3], stride: i64, groups: i64, pad: i64) -> String {
        let [inside, outside, kernel] = shape;
        let fan_in = (inside / groups * kernel * kernel) as f32;
        let weights = self.tensor(&[outside, inside / groups, kernel, kernel], 0.0, (3.0 / fan_in).sqrt());
        let bias = self.tensor(&[outside], 0.0, 0.1);
        let attributes = vec![
            ints("kernel_shape", &[kernel, kernel]),
            ints("strides", &[stride, stride]),
            ints("pads", &[pad; 4]),
            AttributeProto { i: groups, r#type: AttributeType::Int as i32, ..named("group") },
        ];
        self.node("Conv", &[x, &weights, &bias], attributes)
    }

    fn prelu(&mut self, x: String, channels: i64) -> String {
        let slopes = self.tensor(&[channels, 1, 1], 0.25, 0.2);
        self.node("PRelu", &[&x, &slopes], vec![])
    }

    fn linear(&mut self, x: &str) {
        let weights = self.tensor(&[512, 512], 0.0, (3.0f32 / 512.0).sqrt());
        let bias = self.tensor(&[512], 0.0, 0.1);
        self.node("Gemm", &[x, &weights, &bias], vec![]);
        if let Some(last) = self.graph.node.last_mut() {
            last.output = vec!["embedding".into()];
        }
    }

    fn node(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = format!("{}_{}", op.to_lowercase(), self.graph.node.len());
        self.graph.node.push(NodeProto {
            name: name.clone(),
            op_type: op.into(),
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![name.clone()],
            attribute,
            ..NodeProto::default()
        });
        name
    }

    /// Uniform values within `spread` of `centre`.
    fn tensor(&mut self, dims: &[i64], centre: f32, spread: f32) -> String {
        let name = format!("weight_{}", self.graph.initializer.len());
        let count: i64 = dims.iter().product();
        let raw_data = (0..count)
            .flat_map(|_| (centre + spread * (2.0 * uniform(&mut self.seed) - 1.0)).to_le_bytes())
            .collect();
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            raw_data,
            ..TensorProto::default()
        });
        name
    }

    fn finish(mut self) -> Vec<u8> {
        self.graph.input = vec![value("input", &[1, 3, 112, 112])];
        self.graph.output = vec![value("embedding", &[1, 512])];
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { version: 13, ..OperatorSetIdProto::default() }],
            graph: Some(self.graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }
}

fn named(name: &str) -> AttributeProto {
    AttributeProto { name: name.into(), ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), r#type: AttributeType::Ints as i32, ..named(name) }
}

/// A named F32 tensor of fixed shape.
pub fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&v| Dimension { value: Some(dimension::Value::DimValue(v)), ..Dimension::default() })
        .collect();
    let tensor =
        type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type =
        Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), r#type, ..ValueInfoProto::default() }
}

/// The next number of a small generator (SplitMix64), 0 to 1.
pub fn uniform(seed: &mut u64) -> f32 {
    (random(seed) >> 40) as f32 / (1u64 << 24) as f32
}

/// The next number of SplitMix64.
pub fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
