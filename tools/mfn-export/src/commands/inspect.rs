//! `inspect`: what a network consists of and costs.

use crate::arch::{Architecture, Counts, DIMENSION, INPUT_SIDE, Kind, Layer};
use anyhow::{Result, bail};
use serde::Serialize;

#[derive(Serialize)]
struct LayerReport {
    name: String,
    operator: String,
    input: [usize; 3],
    output: [usize; 3],
    weights: [usize; 4],
    parameters: usize,
    macs: usize,
}

#[derive(Serialize)]
struct Report {
    network: &'static str,
    input: [usize; 4],
    output: [usize; 2],
    #[serde(flatten)]
    counts: Counts,
    operators: Vec<&'static str>,
    layers: Vec<LayerReport>,
}

/// Prints layers and counts of the network named `arch`, as text or as one JSON object.
pub fn run(arch: &str, json: bool) -> Result<()> {
    let Some(architecture) = Architecture::by_name(arch) else {
        let names: Vec<_> = Architecture::ALL.iter().map(|a| a.name()).collect();
        bail!("inspect: no network is called `{arch}`; there are {}", names.join(" and "));
    };
    let report = report(architecture);
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", text(&report));
    }
    Ok(())
}

fn report(architecture: Architecture) -> Report {
    Report {
        network: architecture.name(),
        input: [1, 3, INPUT_SIDE, INPUT_SIDE],
        output: [1, DIMENSION],
        counts: architecture.counts(),
        operators: vec!["Conv", "PRelu", "Add", "Flatten", "Gemm"],
        layers: architecture.layers().iter().map(layer_report).collect(),
    }
}

fn layer_report(layer: &Layer) -> LayerReport {
    let groups = if layer.groups > 1 { format!(", groups {}", layer.groups) } else { String::new() };
    let prelu = if layer.prelu { " + PReLU" } else { "" };
    let add = if layer.residual { " + input" } else { "" };
    let operation = match layer.kind {
        Kind::Linear => "linear".to_string(),
        _ => format!("conv {0}x{0}, stride {1}{groups}", layer.kernel, layer.stride),
    };
    LayerReport {
        name: layer.name.clone(),
        operator: format!("{operation} + BN{prelu}{add}"),
        input: [layer.inputs, layer.input_side, layer.input_side],
        output: [layer.outputs, layer.output_side, layer.output_side],
        weights: layer.weight_shape(),
        parameters: layer.weights() + layer.outputs * if layer.prelu { 3 } else { 2 },
        macs: layer.macs(),
    }
}

fn text(report: &Report) -> String {
    use std::fmt::Write;
    let shape = |s: &[usize]| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let mut out =
        format!("{}: input {}, output {}\n", report.network, shape(&report.input), shape(&report.output));
    for layer in &report.layers {
        let _ = writeln!(
            out,
            "{:<18} {:<52} {:>11} -> {:<11} {:>8} parameters {:>11} MACs",
            layer.name,
            layer.operator,
            shape(&layer.input),
            shape(&layer.output),
            layer.parameters,
            layer.macs
        );
    }
    let c = &report.counts;
    let _ = writeln!(out, "operators when exported    {}", report.operators.join(", "));
    let _ = writeln!(out, "parameters, training form  {}", c.parameters);
    let _ = writeln!(out, "parameters, BN folded      {}", c.folded_parameters);
    let _ = writeln!(out, "fp32, folded               {:.2} MB", c.folded_bytes as f64 / 1e6);
    let _ = writeln!(out, "multiply-accumulates       {:.2} M", c.macs as f64 / 1e6);
    let _ = writeln!(out, "THOP count                 {:.6} M", c.thop as f64 / 1e6);
    out
}
