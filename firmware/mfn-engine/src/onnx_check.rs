//! The check of an ONNX file before tract sees it: only plain networks of known operators get through.
//!
//! A foreign file is hostile input. Files that are small, list only these operators, define each name before
//! its use, and hold finite weights of their declared size are left to the [guard](crate::Guard), which bounds
//! what remains: time and memory.

use std::collections::HashSet;

use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto,
};

use crate::network::Spec;
use crate::weights;

/// Operators of face networks that have no subgraph, no state, no randomness and no file access. Sorted.
const OPERATORS: &str = "
    Abs Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv
    ConvInteger ConvTranspose Cos CumSum DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal
    Erf Exp Expand Flatten Floor Gather Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish
    Identity InstanceNormalization LayerNormalization LeakyRelu Log LpNormalization MatMul MatMulInteger
    Max MaxPool Min Mul Neg Not PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal
    ReduceL2 ReduceMax ReduceMean ReduceSum Relu Reshape Resize Shape Sigmoid Sin Slice Softmax Split
    Sqrt Squeeze Sub Tanh Transpose Unsqueeze Where";
const MAX_NODES: usize = 20_000;
const MAX_RANK: usize = 8;
/// Elements of one tensor: more than the file's size limit can hold.
const MAX_ELEMENTS: i64 = 1 << 24;
/// Strides, pads, axes and group counts of attributes.
const MAX_ATTRIBUTE: i64 = 1 << 16;
/// Shapes and indices in integer tensors, besides the extremes that stand for "to the end".
const MAX_INDEX: i64 = 1 << 24;

/// Decodes a file and checks all of it; keeps only the outputs that the spec names, in its order.
///
/// # Errors
/// One sentence on the first thing that is refused.
pub(crate) fn parse(bytes: Vec<u8>, spec: &Spec) -> Result<ModelProto, String> {
    let mut model = weights::decode(bytes).map_err(no_onnx)?;
    check_header(&model)?;
    let graph = model.graph.as_mut().ok_or("it holds no graph")?;
    ensure(graph.sparse_initializer.is_empty(), || "it holds sparse tensors".into())?;
    let count = graph.node.len() + graph.initializer.len();
    ensure((1..=MAX_NODES).contains(&count), || format!("it has {count} nodes, limit {MAX_NODES}"))?;
    for tensor in &graph.initializer {
        check_tensor(tensor)?;
    }
    graph.node.iter().try_for_each(check_node)?;
    check_names(graph)?;
    check_input(graph, spec)?;
    graph.output = select_outputs(graph, spec)?;
    Ok(model)
}

/// A spec from what the file says of itself: its input, all its outputs. `size` fills in an open height and width.
///
/// # Errors
/// One sentence on why no spec can be made. Nothing else of the file is checked.
pub(crate) fn guess(bytes: &[u8], size: Option<[usize; 2]>) -> Result<Spec, String> {
    let graph = Outline::decode(bytes).map_err(no_onnx)?.graph.ok_or("it holds no graph")?;
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let input = graph.input.iter().find(|input| !constants.contains(input.name.as_str()));
    let input = input.ok_or("it has no input")?;
    let dims = fixed_dims(input).filter(|dims| dims.len() == 4).ok_or("its input is not one of images")?;
    let open = |axis: usize| size.map(|size| size[axis - 2]).ok_or("its input's size is open: name one");
    let side = |axis: usize| match dims[axis] {
        Some(side) if (1..=MAX_ATTRIBUTE).contains(&side) => Ok(side as usize),
        Some(side) => Err(format!("its input has a side of {side}")),
        None => open(axis).map_err(String::from),
    };
    let shape = [1, 3, side(2)?, side(3)?];
    let outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    Ok(Spec { input: input.name.clone(), shape, outputs, lengths: Vec::new() })
}

/// An ONNX file without its nodes and weights: fields that are not named here are passed over.
#[derive(Clone, PartialEq, Message)]
struct Outline {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphOutline>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphOutline {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<ConstantOutline>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
struct ConstantOutline {
    #[prost(string, tag = "8")]
    name: String,
}

fn no_onnx(error: prost::DecodeError) -> String {
    format!("it is not an ONNX file, or is cut short ({error})")
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

/// Enough of a name from outside to recognise it by, on one line.
fn cut(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn check_header(model: &ModelProto) -> Result<(), String> {
    ensure(model.functions.is_empty() && model.training_info.is_empty(), || {
        "it holds functions or training graphs".into()
    })?;
    for import in &model.opset_import {
        let known = is_standard(&import.domain) && (7..=23).contains(&import.version);
        ensure(known, || {
            format!("operator set {} of {:?} is not 7 to 23 of ONNX", import.version, cut(&import.domain))
        })?;
    }
    ensure(model.opset_import.len() == 1, || "it does not import exactly one operator set".into())
}

fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

fn check_node(node: &NodeProto) -> Result<(), String> {
    let op = node.op_type.as_str();
    let listed = OPERATORS.split_whitespace().any(|listed| listed == op);
    ensure(listed && is_standard(&node.domain), || {
        format!("operator {:?} of {:?} is not on the list of allowed ones", cut(op), cut(&node.domain))
    })?;
    ensure(!node.output.is_empty() && node.output.len() <= 64 && node.input.len() <= 64, || {
        format!("node {:?} has no output, or more than 64 inputs or outputs", cut(&node.name))
    })?;
    for attribute in &node.attribute {
        check_attribute(attribute).map_err(|reason| {
            format!("attribute {:?} of node {:?} ({op}) {reason}", cut(&attribute.name), cut(&node.name))
        })?;
    }
    Ok(())
}

fn check_attribute(attribute: &AttributeProto) -> Result<(), String> {
    let plain = attribute.g.is_none()
        && attribute.graphs.is_empty()
        && attribute.tensors.is_empty()
        && attribute.sparse_tensor.is_none()
        && attribute.sparse_tensors.is_empty()
        && attribute.type_protos.is_empty()
        && attribute.ref_attr_name.is_empty();
    ensure(plain, || "is a graph, a list of tensors or a reference".into())?;
    let ints = attribute.ints.iter().chain([&attribute.i]);
    ensure(
        attribute.ints.len() <= 1024 && { ints }.all(|v| v.unsigned_abs() <= MAX_ATTRIBUTE as u64),
        || format!("has a value beyond +-{MAX_ATTRIBUTE}, or too many"),
    )?;
    let mut floats = attribute.floats.iter().chain([&attribute.f]);
    ensure(floats.all(|v| v.is_finite()), || "is NaN or infinite".into())?;
    attribute.t.as_ref().map_or(Ok(()), check_tensor)
}

/// Size, type and values of a constant; the data must be in the file and exactly as long as declared.
fn check_tensor(tensor: &TensorProto) -> Result<(), String> {
    check_tensor_parts(tensor).map_err(|reason| format!("tensor {:?} {reason}", cut(&tensor.name)))
}

fn check_tensor_parts(tensor: &TensorProto) -> Result<(), String> {
    ensure(tensor.data_location.unwrap_or(0) == 0 && tensor.external_data.is_empty(), || {
        "keeps its data in another file".into()
    })?;
    ensure(tensor.segment.is_none(), || "is a part of a tensor".into())?;
    let elements = elements(&tensor.dims)?;
    let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
    let (bytes_each, typed) = match kind {
        DataType::Float => (4, tensor.float_data.len()),
        DataType::Double => (8, tensor.double_data.len()),
        DataType::Int64 => (8, tensor.int64_data.len()),
        DataType::Int32 => (4, tensor.int32_data.len()),
        DataType::Int8 | DataType::Uint8 | DataType::Bool => (1, tensor.int32_data.len()),
        _ => return Err(format!("has type {}, which is not allowed", kind.as_str_name())),
    };
    let raw = tensor.raw_data.len();
    let fits = if raw > 0 { raw == elements * bytes_each && typed == 0 } else { typed == elements };
    ensure(fits, || format!("holds {raw} bytes or {typed} values for {elements} elements"))?;
    check_values(tensor, kind)
}

/// The number of elements of a shape, without overflow.
fn elements(dims: &[i64]) -> Result<usize, String> {
    ensure(dims.len() <= MAX_RANK, || format!("has {} axes, the limit is {MAX_RANK}", dims.len()))?;
    let product = dims.iter().try_fold(1i64, |product, &dim| {
        let product = product.checked_mul(dim).filter(|_| (0..=MAX_ELEMENTS).contains(&dim))?;
        (product <= MAX_ELEMENTS).then_some(product)
    });
    product.map(|n| n as usize).ok_or_else(|| format!("has shape {dims:?}, which is not allowed"))
}

fn check_values(tensor: &TensorProto, kind: DataType) -> Result<(), String> {
    let raw = &tensor.raw_data;
    let good = match kind {
        DataType::Float => {
            tensor.float_data.iter().all(|v| v.is_finite())
                && words::<4>(raw).all(|b| f32::from_le_bytes(b).is_finite())
        }
        DataType::Double => {
            tensor.double_data.iter().all(|v| v.is_finite())
                && words::<8>(raw).all(|b| f64::from_le_bytes(b).is_finite())
        }
        DataType::Int64 => {
            tensor.int64_data.iter().all(|&v| is_index(v))
                && words::<8>(raw).all(|b| is_index(i64::from_le_bytes(b)))
        }
        _ => true,
    };
    ensure(good, || "holds NaN, infinite or huge values".into())
}

fn words<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> {
    raw.as_chunks::<N>().0.iter().copied()
}

/// A size or position; exporters write "to the end" as one of the extremes.
fn is_index(value: i64) -> bool {
    const EXTREMES: [i64; 4] = [i64::MIN, i64::MAX, i32::MIN as i64, i32::MAX as i64];
    value.unsigned_abs() <= MAX_INDEX as u64 || EXTREMES.contains(&value) || value == -i64::MAX
}

/// Each name is defined once and before its use: no loops, nothing dangling.
fn check_names(graph: &GraphProto) -> Result<(), String> {
    let mut defined: HashSet<&str> = HashSet::new();
    // An initialiser may also be listed as an input, which it then gives its default.
    defined.extend(graph.input.iter().map(|input| input.name.as_str()));
    defined.extend(graph.initializer.iter().map(|tensor| tensor.name.as_str()));
    for node in &graph.node {
        for name in node.input.iter().filter(|name| !name.is_empty()) {
            ensure(defined.contains(name.as_str()), || {
                format!("node {:?} uses {:?} before anything defines it", cut(&node.name), cut(name))
            })?;
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            ensure(defined.insert(name), || format!("{:?} is defined twice", cut(name)))?;
        }
    }
    for output in &graph.output {
        ensure(defined.contains(output.name.as_str()), || {
            format!("nothing computes the output {:?}", cut(&output.name))
        })?;
    }
    Ok(())
}

/// Exactly one input that is not a constant: F32, four axes, of the spec's shape where it is fixed.
fn check_input(graph: &GraphProto, spec: &Spec) -> Result<(), String> {
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<_> =
        graph.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect();
    let [input] = inputs.as_slice() else {
        return Err(format!("it has {} inputs instead of one", inputs.len()));
    };
    ensure(input.name == spec.input, || {
        format!("its input is {:?}, the manifest says {:?}", cut(&input.name), spec.input)
    })?;
    let shape = fixed_dims(input).ok_or("its input has no F32 tensor type with a shape")?;
    let fits = shape.len() == spec.shape.len()
        && shape.iter().zip(spec.shape).all(|(found, wanted)| found.is_none_or(|v| v == wanted as i64));
    ensure(fits, || format!("its input has shape {shape:?}, the manifest and options need {:?}", spec.shape))
}

/// A shape with `None` for each axis that is left open.
fn fixed_dims(value: &ValueInfoProto) -> Option<Vec<Option<i64>>> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    if tensor.elem_type != DataType::Float as i32 {
        return None;
    }
    let dims = &tensor.shape.as_ref()?.dim;
    let fixed = dims.iter().map(|dim| match dim.value {
        Some(dimension::Value::DimValue(value)) => Some(value),
        _ => None,
    });
    Some(fixed.collect())
}

fn select_outputs(graph: &GraphProto, spec: &Spec) -> Result<Vec<ValueInfoProto>, String> {
    let found = |name: &String| graph.output.iter().find(|output| output.name == *name).cloned();
    let has = || graph.output.iter().take(20).map(|output| cut(&output.name)).collect::<Vec<_>>().join(", ");
    spec.outputs
        .iter()
        .map(|name| found(name).ok_or_else(|| format!("it has no output {name:?}, only: {}", has())))
        .collect()
}

#[cfg(test)]
mod tests;
