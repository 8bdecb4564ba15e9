//! `inspect`: what a network consists of and costs. One by name is built and exported as training begins with it,
//! so that the counts are those of the file that will come out.

use super::output;
use crate::arch::Architecture;
use crate::export::{fold, to_onnx};
use crate::graph::{GraphReport, count, inspect, network_file};
use crate::net::ParameterSet;
use anyhow::{Result, bail};
use std::path::Path;

/// Prints nodes and counts of a network by name, a model folder or an ONNX file, as text or as one JSON object.
pub fn run(network: &str, json: bool) -> Result<()> {
    let report = match Architecture::by_name(network) {
        Some(architecture) => fresh(architecture)?,
        None if Path::new(network).exists() => inspect(&network_file(Path::new(network))?)?,
        None => {
            let names: Vec<_> = Architecture::ALL.iter().map(|a| a.name()).collect();
            bail!(
                "inspect: `{network}` is neither there nor a network's name; there are {}",
                names.join(" and ")
            );
        }
    };
    if json { output::json(&report) } else { output::text(&text(network, &report)) }
}

fn fresh(architecture: Architecture) -> Result<GraphReport> {
    let set = ParameterSet::network(architecture, &mut fastrand::Rng::with_seed(0));
    count(&to_onnx(architecture.name(), &fold(architecture, &set)?))
}

fn text(network: &str, report: &GraphReport) -> String {
    use std::fmt::Write;
    let shape = |s: &[usize]| s.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let mut out = format!(
        "{network}: input {}, output {}, operator set {}\n",
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
    let _ = writeln!(out, "fp32, folded               {:.2} MB", c.folded_bytes as f64 / 1e6);
    let _ = writeln!(out, "file                       {:.2} MB", report.bytes as f64 / 1e6);
    let _ = writeln!(out, "multiply-accumulates       {:.2} M", c.macs as f64 / 1e6);
    let _ = writeln!(out, "THOP count                 {:.6} M", c.thop as f64 / 1e6);
    out
}
