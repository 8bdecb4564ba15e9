//! Reading a [`Network`] from an ONNX file: batch norms are folded, activations go into the layer before them.

use super::network::{Edge, Layer, Network, Op};
use crate::onnx::Size;
use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use std::collections::HashMap;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto,
};

impl Network {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// When it is no ONNX file, or holds an operator that is not quantised here; the operator is named.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let model = ModelProto::decode(bytes).context("it is no ONNX file")?;
        let graph = model.graph.context("it holds no graph")?;
        let constants = graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect();
        let mut reader = Reader { constants, uses: uses(&graph), ops: Vec::new(), places: HashMap::new() };
        for node in &graph.node {
            let name = if node.name.is_empty() { node.output.join(",") } else { node.name.clone() };
            reader.step(node).with_context(|| format!("node {name} ({})", node.op_type))?;
        }
        let input = graph.input.iter().find(|i| !reader.constants.contains_key(i.name.as_str()));
        let input = input.context("it has no input")?;
        ensure!(!graph.output.is_empty(), "it has no output");
        for output in &graph.output {
            ensure!(reader.places.contains_key(&output.name), "nothing computes its output {}", output.name);
        }
        let outputs = graph.output.iter().map(edge).collect::<Result<_>>()?;
        Ok(Self { name: graph.name.clone(), input: edge(input)?, outputs, ops: reader.ops })
    }
}

/// How many nodes read a tensor; the graph's outputs count too.
fn uses(graph: &GraphProto) -> HashMap<&str, usize> {
    let read = graph.node.iter().flat_map(|n| &n.input).chain(graph.output.iter().map(|o| &o.name));
    let mut uses = HashMap::new();
    read.for_each(|name| *uses.entry(name.as_str()).or_insert(0) += 1);
    uses
}

/// A symbolic batch is one image.
fn edge(value: &ValueInfoProto) -> Result<Edge> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        bail!("{} is no tensor", value.name);
    };
    let dims = tensor.shape.iter().flat_map(|s| &s.dim).enumerate().map(|(i, d)| match &d.value {
        Some(Value::DimValue(size)) if *size > 0 => Size::Fixed(*size as usize),
        _ if i == 0 => Size::Fixed(1),
        Some(Value::DimParam(name)) => Size::Any(name.clone().into()),
        _ => Size::Any(format!("{}_{i}", value.name).into()),
    });
    Ok((value.name.clone(), dims.collect()))
}

struct Reader<'a> {
    constants: HashMap<&'a str, &'a TensorProto>,
    uses: HashMap<&'a str, usize>,
    ops: Vec<Op>,
    /// Tensor -> the op that makes it.
    places: HashMap<String, usize>,
}

impl<'a> Reader<'a> {
    fn step(&mut self, node: &'a NodeProto) -> Result<()> {
        match node.op_type.as_str() {
            "Conv" => self.convolution(node),
            "Gemm" => self.linear(node),
            "BatchNormalization" => self.norm(node),
            "PRelu" => {
                let slopes = self.numbers(node, 1)?;
                self.activation(node, slopes)
            }
            "LeakyRelu" => self.activation(node, vec![float(node, "alpha").unwrap_or(0.01)]),
            "Relu" => self.activation(node, vec![0.0]),
            "Add" => {
                let [a, b] = [self.tensor(node, 0)?, self.tensor(node, 1)?];
                self.push(node, |out| Op::Add { inputs: [a, b], out })
            }
            "Flatten" => {
                let x = self.tensor(node, 0)?;
                self.push(node, |out| Op::Flatten { x, out })
            }
            "Resize" | "Transpose" | "Reshape" | "Split" | "Sigmoid" => {
                self.other(node);
                Ok(())
            }
            other => bail!(
                "the operator {other} cannot be quantised; there are Conv, Gemm, BatchNormalization, PRelu, \
                 LeakyRelu, Relu, Add, Flatten, Resize, Transpose, Reshape, Split and Sigmoid"
            ),
        }
    }

    fn other(&mut self, node: &NodeProto) {
        let constants =
            node.input.iter().filter_map(|name| self.constants.get(name.as_str()).copied().cloned());
        let op = Op::Other(node.clone(), constants.collect());
        self.places.extend(node.output.iter().map(|out| (out.clone(), self.ops.len())));
        self.ops.push(op);
    }

    fn push(&mut self, node: &NodeProto, make: impl FnOnce(String) -> Op) -> Result<()> {
        let out = node.output.first().context("it has no output")?.clone();
        self.places.insert(out.clone(), self.ops.len());
        self.ops.push(make(out));
        Ok(())
    }

    fn tensor(&self, node: &NodeProto, index: usize) -> Result<String> {
        let name = node.input.get(index).context("an input is missing")?;
        ensure!(!self.constants.contains_key(name.as_str()), "its input {name} is a constant");
        Ok(name.clone())
    }

    fn constant(&self, node: &NodeProto, index: usize) -> Result<&'a TensorProto> {
        let name = node.input.get(index).context("an input is missing")?;
        self.constants.get(name.as_str()).copied().with_context(|| format!("{name} is no constant"))
    }

    fn numbers(&self, node: &NodeProto, index: usize) -> Result<Vec<f32>> {
        floats(self.constant(node, index)?)
    }

    fn convolution(&mut self, node: &NodeProto) -> Result<()> {
        let shape = dims(self.constant(node, 1)?)?;
        ensure!(shape.len() == 4, "its weights have shape {shape:?}");
        let groups = int(node, "group").unwrap_or(1).max(1) as usize;
        ensure!(shape[0] % groups == 0, "{} channels are not {groups} groups", shape[0]);
        self.layer(node, shape, groups, Some(node.attribute.clone()))
    }

    fn linear(&mut self, node: &NodeProto) -> Result<()> {
        let plain = |name| float(node, name).is_none_or(|v| v == 1.0);
        ensure!(plain("alpha") && plain("beta") && int(node, "transA").unwrap_or(0) == 0, "it is scaled");
        let shape = dims(self.constant(node, 1)?)?;
        ensure!(shape.len() == 2, "its weights have shape {shape:?}");
        self.layer(node, shape, 1, None)?;
        if int(node, "transB").unwrap_or(0) == 0
            && let Some(Op::Layer(layer)) = self.ops.last_mut()
        {
            transpose(layer);
        }
        let Some(Op::Layer(layer)) = self.ops.last_mut() else { bail!("it is lost") };
        layer.bias.resize(layer.shape[0], 0.0);
        Ok(())
    }

    fn layer(
        &mut self,
        node: &NodeProto,
        shape: Vec<usize>,
        groups: usize,
        convolution: Option<Vec<AttributeProto>>,
    ) -> Result<()> {
        let x = self.tensor(node, 0)?;
        let weight = self.numbers(node, 1)?;
        ensure!(
            !weight.is_empty() && weight.len() == shape.iter().product::<usize>(),
            "its weights are not {shape:?}"
        );
        let bias = if node.input.len() > 2 { self.numbers(node, 2)? } else { vec![0.0; shape[0]] };
        self.push(node, |out| {
            let (sums, slope) = (out.clone(), None);
            Op::Layer(Layer { x, sums, out, groups, convolution, shape, weight, bias, slope })
        })
    }

    /// The layer right before the node, which nothing else may read.
    fn before(&mut self, node: &NodeProto) -> Result<&mut Layer> {
        let x = self.tensor(node, 0)?;
        let alone = self.uses.get(x.as_str()) == Some(&1);
        let out = node.output.first().context("it has no output")?.clone();
        let place = self.places.get(&x).copied();
        match place.map(|p| (p, &mut self.ops[p])) {
            Some((place, Op::Layer(layer))) if alone && layer.slope.is_none() => {
                layer.out = out.clone();
                self.places.insert(out, place);
                Ok(layer)
            }
            _ => bail!("it does not follow a layer of its own, and cannot be quantised elsewhere"),
        }
    }

    fn activation(&mut self, node: &NodeProto, slopes: Vec<f32>) -> Result<()> {
        let layer = self.before(node)?;
        let channels = layer.channels();
        ensure!([1, channels].contains(&slopes.len()), "{} slopes for {channels} channels", slopes.len());
        layer.slope = Some(slopes.into_iter().cycle().take(channels).collect());
        Ok(())
    }

    fn norm(&mut self, node: &NodeProto) -> Result<()> {
        let parts = (1..5).map(|i| self.numbers(node, i)).collect::<Result<Vec<_>>>()?;
        let epsilon = float(node, "epsilon").unwrap_or(1e-5);
        let layer = self.before(node)?;
        layer.sums = layer.out.clone();
        let (channels, row) = (layer.channels(), layer.row());
        ensure!(parts.iter().all(|p| p.len() == channels), "its numbers are not {channels}");
        let [gamma, beta, mean, variance] = &parts[..] else { bail!("its numbers are not four") };
        for (c, weights) in layer.weight.chunks_mut(row).enumerate() {
            let factor = gamma[c] / (variance[c] + epsilon).sqrt();
            weights.iter_mut().for_each(|w| *w *= factor);
            layer.bias[c] = (layer.bias[c] - mean[c]) * factor + beta[c];
        }
        Ok(())
    }
}

/// `[I, O]` to `[O, I]`.
fn transpose(layer: &mut Layer) {
    let (rows, columns) = (layer.shape[0], layer.shape[1]);
    let weight = (0..rows * columns).map(|i| layer.weight[(i % rows) * columns + i / rows]).collect();
    (layer.weight, layer.shape) = (weight, vec![columns, rows]);
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

fn int(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name).map(|a| a.i)
}

fn float(node: &NodeProto, name: &str) -> Option<f32> {
    attribute(node, name).map(|a| a.f)
}

fn dims(tensor: &TensorProto) -> Result<Vec<usize>> {
    tensor.dims.iter().map(|d| usize::try_from(*d).context("a size is negative")).collect()
}

fn floats(tensor: &TensorProto) -> Result<Vec<f32>> {
    ensure!(tensor.data_type == DataType::Float as i32, "{} is not of 32-bit floats", tensor.name);
    let raw = tensor.raw_data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    let numbers: Vec<f32> = raw.chain(tensor.float_data.iter().copied()).collect();
    ensure!(numbers.iter().all(|v| v.is_finite()), "{} holds numbers that are not finite", tensor.name);
    Ok(numbers)
}
