//! `inspect` of a model folder or ONNX file.

use crate::graph::{GraphReport, inspect, network_file};
use anyhow::Result;
use std::path::Path;

/// Prints nodes and counts, as text or as one JSON object.
pub fn run(path: &Path, json: bool) -> Result<()> {
    let report = inspect(&network_file(path)?)?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", text(path, &report));
    }
    Ok(())
}

fn text(path: &Path, report: &GraphReport) -> String {
    use std::fmt::Write;
    let shape = |s: &[usize]| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let mut out = format!(
        "{}: input {}, output {}, operator set {}\n",
        path.display(),
        shape(&report.input),
        shape(&report.output),
        report.opset
    );
    for layer in &report.layers {
        let _ = writeln!(
            out,
            "{:<26} {:<20} -> {:<13} {:>8} parameters {:>11} MACs",
            layer.name,
            layer.operator,
            shape(&layer.output),
            layer.parameters,
            layer.macs
        );
    }
    let operators: Vec<String> = report.operators.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let c = &report.counts;
    let _ = writeln!(out, "operators                  {}", operators.join(", "));
    let _ = writeln!(out, "parameters, training form  {}", c.parameters);
    let _ = writeln!(out, "parameters, BN folded      {}", c.folded_parameters);
    let _ = writeln!(out, "file                       {:.2} MB", report.bytes as f64 / 1e6);
    let _ = writeln!(out, "multiply-accumulates       {:.2} M", c.macs as f64 / 1e6);
    let _ = writeln!(out, "THOP count                 {:.6} M", c.thop as f64 / 1e6);
    out
}
