//! Each kind of file that must not reach tract, one by one, on a network of three nodes.

use prost::Message;
use tract_onnx::pb::{
    OperatorSetIdProto, StringStringEntryProto, TensorShapeProto, TypeProto, tensor_shape_proto::Dimension,
};

use super::*;

fn spec() -> Spec {
    Spec { input: "x".into(), shape: [1, 3, 4, 4], outputs: vec!["y".into()], lengths: vec![48] }
}

fn input(dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|&v| Dimension { value: Some(dimension::Value::DimValue(v)), ..Dimension::default() })
        .collect();
    let tensor =
        type_proto::Tensor { elem_type: DataType::Float as i32, shape: Some(TensorShapeProto { dim }) };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto {
        name: "x".into(),
        r#type: Some(TypeProto { value, ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: output.into(),
        op_type: op.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn good() -> ModelProto {
    let weight = TensorProto {
        name: "w".into(),
        dims: vec![3, 1, 1],
        data_type: DataType::Float as i32,
        raw_data: [1.0f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect(),
        ..TensorProto::default()
    };
    let graph = GraphProto {
        node: vec![node("Mul", &["x", "w"], "a"), node("Relu", &["a"], "b"), node("Add", &["a", "b"], "y")],
        initializer: vec![weight],
        input: vec![input(&[1, 3, 4, 4])],
        output: vec![ValueInfoProto { name: "y".into(), ..ValueInfoProto::default() }],
        ..GraphProto::default()
    };
    ModelProto {
        opset_import: vec![OperatorSetIdProto { version: 13, ..OperatorSetIdProto::default() }],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

fn check(model: &ModelProto) -> Result<ModelProto, String> {
    parse(model.encode_to_vec(), &spec())
}

/// The reason for which the good network is refused once it is changed.
fn refused(change: impl FnOnce(&mut ModelProto)) -> String {
    let mut model = good();
    change(&mut model);
    check(&model).expect_err("should be refused")
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("a graph")
}

fn weight(model: &mut ModelProto) -> &mut TensorProto {
    &mut graph(model).initializer[0]
}

fn attribute(model: &mut ModelProto, attribute: AttributeProto) {
    graph(model).node[1].attribute.push(attribute);
}

#[test]
fn a_plain_network_passes() {
    assert_eq!(check(&good()).unwrap(), good());
    let mut open = good();
    graph(&mut open).input[0] = input(&[1, 3, 4, 4]);
    if let Some(type_proto::Value::TensorType(tensor)) =
        graph(&mut open).input[0].r#type.as_mut().and_then(|t| t.value.as_mut())
    {
        tensor.shape.as_mut().unwrap().dim[0].value = Some(dimension::Value::DimParam("batch".into()));
    }
    check(&open).unwrap();
}

#[test]
fn what_is_not_a_network_is_refused() {
    for bytes in [b"".as_slice(), b"hello, this is a text file called .onnx", &[0xff; 40]] {
        assert!(parse(bytes.to_vec(), &spec()).is_err());
    }
    let whole = good().encode_to_vec();
    for length in 0..whole.len() {
        // Never a panic; a cut that only loses the end of a field is refused for what is missing.
        let _ = parse(whole[..length].to_vec(), &spec());
    }
    assert!(refused(|m| m.graph = None).contains("no graph"));
    assert!(refused(|m| graph(m).node.clear()).contains("output"));
}

#[test]
fn only_known_operators_pass() {
    let foreign = refused(|m| graph(m).node[0].op_type = "Loop".into());
    assert!(foreign.contains("\"Loop\""), "{foreign}");
    assert!(refused(|m| graph(m).node[0].domain = "com.microsoft".into()).contains("com.microsoft"));
    assert!(refused(|m| m.opset_import[0].version = 99).contains("operator set 99"));
    assert!(refused(|m| m.opset_import.clear()).contains("operator set"));
    let subgraph = AttributeProto { g: Some(GraphProto::default()), ..AttributeProto::default() };
    assert!(refused(|m| attribute(m, subgraph)).contains("is a graph"));
}

#[test]
fn the_list_of_operators_is_sorted_and_without_repeats() {
    let all: Vec<&str> = OPERATORS.split_whitespace().collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn attributes_are_bounded() {
    let pads = AttributeProto { name: "pads".into(), ints: vec![0, 1 << 62], ..AttributeProto::default() };
    assert!(refused(|m| attribute(m, pads)).contains("\"pads\""));
    let group = AttributeProto { i: i64::MIN, ..AttributeProto::default() };
    assert!(refused(|m| attribute(m, group)).contains("beyond"));
    let alpha = AttributeProto { f: f32::NAN, ..AttributeProto::default() };
    assert!(refused(|m| attribute(m, alpha)).contains("NaN"));
}

#[test]
fn tensors_hold_what_they_declare() {
    for dims in [vec![4, 1, 1], vec![-3, 1, 1], vec![3, i64::MAX, i64::MAX], vec![1 << 40], vec![1; 9]] {
        let reason = refused(|m| weight(m).dims = dims.clone());
        assert!(reason.contains("\"w\""), "{dims:?}: {reason}");
    }
    assert!(refused(|m| weight(m).raw_data.truncate(11)).contains("11 bytes"));
    assert!(refused(|m| weight(m).data_type = DataType::String as i32).contains("STRING"));
    assert!(refused(|m| weight(m).data_type = 1000).contains("UNDEFINED"));
    for value in [f32::NAN, f32::INFINITY] {
        let bytes = value.to_le_bytes();
        assert!(refused(|m| weight(m).raw_data[4..8].copy_from_slice(&bytes)).contains("NaN"));
    }
    let elsewhere = StringStringEntryProto { key: "location".into(), value: "/etc/passwd".into() };
    assert!(refused(|m| weight(m).external_data.push(elsewhere)).contains("another file"));
    let shape = TensorProto {
        dims: vec![1],
        data_type: DataType::Int64 as i32,
        int64_data: vec![1 << 40],
        ..TensorProto::default()
    };
    let constant = AttributeProto { t: Some(shape), ..AttributeProto::default() };
    assert!(refused(|m| attribute(m, constant)).contains("huge"));
}

#[test]
fn names_are_defined_once_and_before_their_use() {
    assert!(refused(|m| graph(m).node.swap(0, 1)).contains("before anything defines"));
    assert!(refused(|m| graph(m).node[0].input[0] = "y".into()).contains("before anything defines"));
    assert!(refused(|m| graph(m).node[1].output[0] = "a".into()).contains("twice"));
    assert!(refused(|m| graph(m).output[0].name = "z".into()).contains("nothing computes"));
    assert!(refused(|m| graph(m).node[2].output.clear()).contains("no output"));
}

#[test]
fn input_and_outputs_are_those_of_the_manifest() {
    assert!(refused(|m| graph(m).input[0] = input(&[1, 3, 8, 4])).contains("shape"));
    assert!(refused(|m| graph(m).input[0] = input(&[3, 4, 4])).contains("shape"));
    assert!(refused(|m| graph(m).input[0].r#type = None).contains("F32"));
    assert!(refused(|m| graph(m).input.push(ValueInfoProto::default())).contains("2 inputs"));
    let spec = Spec { outputs: vec!["z".into()], ..spec() };
    assert!(parse(good().encode_to_vec(), &spec).unwrap_err().contains("only: y"));
}
