//! Shapes of a graph's tensors, and what each node costs.

use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto, type_proto};

/// More numbers than any tensor of a recogniser has.
const MAX_NUMBERS: usize = 1 << 28;

/// What a node gives and takes.
pub(super) struct Cost {
    pub output: Vec<usize>,
    pub parameters: usize,
    pub macs: usize,
}

/// Shapes by name of the tensor.
pub(super) struct Shapes {
    /// Of the only input.
    pub input: Vec<usize>,
    known: HashMap<String, Vec<usize>>,
    constants: HashMap<String, Vec<usize>>,
}

impl Shapes {
    /// Of the graph's input and constants.
    pub(super) fn of(graph: &GraphProto) -> Result<Self> {
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            let shape = tensor.dims.iter().map(|d| usize::try_from(*d)).collect::<Result<Vec<_>, _>>();
            let shape = shape.with_context(|| format!("the constant {} has a negative size", tensor.name))?;
            constants.insert(tensor.name.clone(), checked(shape)?);
        }
        let inputs: Vec<_> = graph.input.iter().filter(|i| !constants.contains_key(&i.name)).collect();
        let [input] = inputs[..] else { bail!("it has {} inputs instead of one", inputs.len()) };
        let shape = checked(shape_of(input).context("its input has no fixed shape")?)?;
        let known = HashMap::from([(input.name.clone(), shape.clone())]);
        Ok(Self { input: shape, known, constants })
    }

    /// The shape of a tensor that was already met.
    pub(super) fn get(&self, name: &str) -> Result<&[usize]> {
        self.known.get(name).map(Vec::as_slice).with_context(|| format!("the tensor {name} is missing"))
    }

    /// Works out one node.
    pub(super) fn step(&mut self, node: &NodeProto) -> Result<Cost> {
        let input = |i: usize| node.input.get(i).map(String::as_str).unwrap_or_default();
        let x = self.get(input(0))?.to_vec();
        let constants = node.input.iter().filter_map(|name| self.constants.get(name));
        let parameters = constants.map(|shape| shape.iter().product::<usize>()).sum();
        let weight = self.constants.get(input(1)).cloned();
        let (output, macs) = match node.op_type.as_str() {
            "Conv" => convolution(node, &x, &weight.context("its weights are not constant")?)?,
            "Gemm" => linear(node, &x, &weight.context("its weights are not constant")?)?,
            "BatchNormalization" | "PRelu" | "Relu" | "Add" | "Identity" => (x, 0),
            "Flatten" => (vec![x.first().copied().unwrap_or(1), x.iter().skip(1).product()], 0),
            other => bail!("the operator {other} is not counted"),
        };
        // Two of a batch norm's four vectors are statistics and no parameters.
        let parameters = if node.op_type == "BatchNormalization" { parameters / 2 } else { parameters };
        let output = checked(output)?;
        let name = node.output.first().context("it has no output")?;
        self.known.insert(name.clone(), output.clone());
        Ok(Cost { output, parameters, macs })
    }
}

fn checked(shape: Vec<usize>) -> Result<Vec<usize>> {
    let numbers = shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
    ensure!(numbers.is_some_and(|n| n <= MAX_NUMBERS), "a tensor of shape {shape:?} is too large");
    Ok(shape)
}

/// A symbolic batch counts as one image.
fn shape_of(value: &ValueInfoProto) -> Option<Vec<usize>> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    let size = |(i, d): (usize, &tract_onnx::pb::tensor_shape_proto::Dimension)| match d.value {
        Some(Value::DimValue(size)) if size > 0 => usize::try_from(size).ok(),
        _ => (i == 0).then_some(1),
    };
    tensor.shape.as_ref()?.dim.iter().enumerate().map(size).collect()
}

fn ints(node: &NodeProto, name: &str, default: [usize; 4]) -> Result<[usize; 4]> {
    let Some(attribute) = node.attribute.iter().find(|a| a.name == name) else { return Ok(default) };
    let sizes: Result<Vec<usize>, _> = attribute.ints.iter().map(|v| usize::try_from(*v)).collect();
    match sizes.with_context(|| format!("its {name} are negative"))?[..] {
        [a, b] => Ok([a, b, a, b]),
        [a, b, c, d] => Ok([a, b, c, d]),
        _ => bail!("its {name} are not those of two dimensions"),
    }
}

fn convolution(node: &NodeProto, x: &[usize], weight: &[usize]) -> Result<(Vec<usize>, usize)> {
    let (&[n, _, height, width], &[channels, inputs, kh, kw]) = (x, weight) else {
        bail!("it convolves {x:?} with {weight:?}, which are not maps");
    };
    let (strides, pads) = (ints(node, "strides", [1; 4])?, ints(node, "pads", [0; 4])?);
    let dilations = ints(node, "dilations", [1; 4])?;
    let side = |size: usize, kernel: usize, axis: usize| {
        let span = kernel.checked_sub(1)?.checked_mul(dilations[axis])?.checked_add(1)?;
        let padded = size.checked_add(pads[axis])?.checked_add(pads[axis + 2])?;
        Some(padded.checked_sub(span)? / strides[axis].max(1) + 1)
    };
    let sides = side(height, kh, 0).zip(side(width, kw, 1));
    let (h, w) = sides.context("its kernel is larger than its map")?;
    let output = checked(vec![n, channels, h, w])?;
    let taps = checked(vec![channels, inputs, kh, kw])?.iter().product::<usize>();
    Ok((output, taps.checked_mul(h * w).context("it has too many products")?))
}

fn linear(node: &NodeProto, x: &[usize], weight: &[usize]) -> Result<(Vec<usize>, usize)> {
    let (&[n, inputs], &[a, b]) = (x, weight) else { bail!("it multiplies {x:?} with {weight:?}") };
    let transposed = node.attribute.iter().any(|attribute| attribute.name == "transB" && attribute.i != 0);
    let (outputs, expected) = if transposed { (a, b) } else { (b, a) };
    ensure!(inputs == expected, "it multiplies {x:?} with {weight:?}");
    Ok((vec![n, outputs], a * b * n))
}
