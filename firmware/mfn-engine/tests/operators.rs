//! Our operators give what tract's give, on the networks of the project and on others.

mod common;

use common::mobilefacenet::{mobilefacenet, uniform};
use common::models_dir;
use mfn_engine::{AnyNetwork, Operators};
use prost::Message;
use std::path::Path;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

/// The largest difference of any output, in units of that output's largest value or of 1.
fn difference(path: &Path, size: Option<[usize; 2]>) -> f32 {
    let load = |operators| AnyNetwork::load(path, size, operators).unwrap();
    let (mut own, mut tract) = (load(Operators::default()), load(Operators::Tract));
    let mut seed = 3;
    let mut largest = 0.0f32;
    // Twice: the second run finds the memory of the first.
    for _ in 0..2 {
        let input: Vec<f32> = (0..own.input_len()).map(|_| 2.0 * uniform(&mut seed) - 1.0).collect();
        let copy = |outputs: &[&[f32]]| outputs.iter().map(|o| o.to_vec()).collect::<Vec<_>>();
        let (ours, theirs) = (own.run(&input, copy).unwrap(), tract.run(&input, copy).unwrap());
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.len(), theirs.len());
            let scale = theirs.iter().fold(1f32, |m, v| m.max(v.abs()));
            let off = ours.iter().zip(theirs).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
            largest = largest.max(off / scale);
        }
    }
    println!("{} {size:?}: largest difference {largest:e}", path.display());
    largest
}

#[test]
fn the_papers_network() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    std::fs::write(&path, mobilefacenet(5)).unwrap();
    assert!(difference(&path, None) < 1e-5);
}

/// A stranger's variant: the picture is normalised inside, batch norms are operators of their own, and there is
/// one behind the linear layer.
fn stranger() -> Vec<u8> {
    let mut model = ModelProto::decode(mobilefacenet(8).as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let mut seed = 11;
    let mut constant = |graph: &mut GraphProto, dims: &[i64], from: f32, to: f32| {
        let name = format!("norm_{}", graph.initializer.len());
        let count: i64 = dims.iter().product();
        let float_data = (0..count).map(|_| from + (to - from) * uniform(&mut seed)).collect();
        let data_type = DataType::Float as i32;
        let dims = dims.to_vec();
        graph.initializer.push(TensorProto {
            name: name.clone(),
            dims,
            data_type,
            float_data,
            ..Default::default()
        });
        name
    };
    let node = |op: &str, input: Vec<String>, output: &str| NodeProto {
        op_type: op.into(),
        name: format!("own_{output}"),
        input,
        output: vec![output.into()],
        ..Default::default()
    };
    let (mean, scale) = (constant(graph, &[], 0.1, 0.2), constant(graph, &[1, 1, 1, 1], 0.9, 1.1));
    let mut nodes = vec![
        node("Sub", vec!["input".into(), mean], "centred"),
        node("Mul", vec!["centred".into(), scale], "normalised"),
    ];
    for mut old in std::mem::take(&mut graph.node) {
        old.input.iter_mut().filter(|name| *name == "input").for_each(|name| *name = "normalised".into());
        if !["Conv", "Gemm"].contains(&old.op_type.as_str()) {
            nodes.push(old);
            continue;
        }
        let weight = graph.initializer.iter().find(|t| t.name == old.input[1]).unwrap();
        let channels = weight.dims[0];
        let output = std::mem::replace(&mut old.output[0], format!("raw_{}", nodes.len()));
        let mut input = vec![old.output[0].clone()];
        for (from, to) in [(0.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 2.0)] {
            input.push(constant(graph, &[channels], from, to));
        }
        nodes.push(old);
        nodes.push(node("BatchNormalization", input, &output));
    }
    graph.node = nodes;
    model.encode_to_vec()
}

#[test]
fn a_strangers_normalisation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.onnx");
    std::fs::write(&path, stranger()).unwrap();
    assert!(difference(&path, None) < 1e-4);
}

#[test]
fn the_detector_at_several_sizes() {
    let Some(dir) = models_dir() else { return };
    for size in [[256, 320], [480, 640], [160, 96], [32, 32]] {
        assert!(difference(&dir.join("detector-yunet-n.onnx"), Some(size)) < 1e-4);
    }
}

#[test]
fn a_network_with_few_known_patterns() {
    let Some(dir) = models_dir() else { return };
    assert!(difference(&dir.join("teacher-edgeface-xs-512d.onnx"), Some([112, 112])) < 1e-4);
}
