//! What an ONNX file of a convolutional recogniser consists of and costs, by the same counts as `arch`.
//!
//! Nothing is run: shapes are worked out node by node, so a broken file gives an error and no more.

mod shapes;

use crate::arch::Counts;
use anyhow::{Context, Result, anyhow, bail, ensure};
use prost::Message;
use serde::{Deserialize, Serialize};
use shapes::Shapes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tract_onnx::pb::ModelProto;

/// No recogniser's network is larger.
const MAX_FILE: u64 = 256 << 20;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// ONNX's name of what it does.
    pub operator: String,
    /// Shape of its output.
    pub output: Vec<usize>,
    /// Numbers that belong to it.
    pub parameters: usize,
    /// Multiply-accumulates of a convolution or linear layer.
    pub macs: usize,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GraphReport {
    /// Shape of the input, for one image.
    pub input: Vec<usize>,
    /// Shape of the output.
    pub output: Vec<usize>,
    /// Version of the operators.
    pub opset: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// A bias of a convolution or linear layer is taken for a folded batch norm.
    #[serde(flatten)]
    pub counts: Counts,
    /// How often each operator occurs.
    pub operators: BTreeMap<String, usize>,
    /// The nodes in order.
    pub layers: Vec<NodeReport>,
}

#[derive(Deserialize)]
struct Manifest {
    networks: BTreeMap<String, String>,
}

/// The network of a model folder (fp32 where there is one), or `path` itself when it is a file.
///
/// # Errors
/// When the folder's manifest cannot be read or names no network.
pub fn network_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let manifest = path.join(crate::bundle::MANIFEST);
    let text = std::fs::read_to_string(&manifest)
        .with_context(|| format!("{}: cannot be read", manifest.display()))?;
    let parsed: Manifest =
        toml::from_str(&text).map_err(|e| anyhow!("{}: {}", manifest.display(), e.message()))?;
    let first = parsed.networks.get("fp32").or_else(|| parsed.networks.values().next());
    Ok(path.join(first.with_context(|| format!("{}: it names no network", manifest.display()))?))
}

/// Counts the network in a file.
///
/// # Errors
/// When it is no ONNX file, or has an operator that is not counted; the operator is named.
pub fn inspect(path: &Path) -> Result<GraphReport> {
    let within = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(within)?.len();
    ensure!(size <= MAX_FILE, "{}: {size} bytes are too many for a recogniser", path.display());
    let bytes = std::fs::read(path).with_context(within)?;
    count(&bytes).with_context(within)
}

/// Counts the network in the bytes of a file.
///
/// # Errors
/// As [`inspect`].
pub fn count(bytes: &[u8]) -> Result<GraphReport> {
    let model = ModelProto::decode(bytes).context("it is no ONNX file")?;
    let graph = model.graph.context("it holds no graph")?;
    let opset = model.opset_import.iter().find(|o| o.domain.is_empty()).map_or(0, |o| o.version);
    let mut shapes = Shapes::of(&graph)?;
    let input = shapes.input.clone();
    let mut counts = Counts { parameters: 0, folded_parameters: 0, folded_bytes: 0, macs: 0, thop: 0 };
    let (mut operators, mut layers) = (BTreeMap::new(), Vec::new());
    for node in &graph.node {
        let name = if node.name.is_empty() { node.output.join(",") } else { node.name.clone() };
        let cost = shapes.step(node).with_context(|| format!("node {name}"))?;
        let outputs: usize = cost.output.iter().product();
        let (norms, activations) = match node.op_type.as_str() {
            "BatchNormalization" => (outputs, 0),
            "Conv" | "Gemm" if node.input.len() > 2 => (outputs, 0),
            "PRelu" => (0, outputs),
            _ => (0, 0),
        };
        // A folded batch norm left one number a channel of its two.
        let folded_away = if node.op_type == "BatchNormalization" || norms == 0 { 0 } else { cost.output[1] };
        counts.folded_parameters += cost.parameters;
        counts.parameters += cost.parameters + folded_away;
        counts.macs += cost.macs;
        counts.thop += cost.macs + 4 * norms + activations;
        *operators.entry(node.op_type.clone()).or_insert(0) += 1;
        let (operator, output) = (node.op_type.clone(), cost.output);
        layers.push(NodeReport { name, operator, output, parameters: cost.parameters, macs: cost.macs });
    }
    counts.folded_bytes = 4 * counts.folded_parameters;
    let Some(last) = graph.output.first() else { bail!("it has no output") };
    let output = shapes.get(&last.name)?.to_vec();
    Ok(GraphReport { input, output, opset, bytes: bytes.len() as u64, counts, operators, layers })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Architecture;
    use crate::export::{fold, to_onnx};
    use crate::net::ParameterSet;

    #[test]
    fn an_exported_network_counts_as_its_architecture() {
        for architecture in Architecture::ALL {
            let set = ParameterSet::network(architecture, &mut fastrand::Rng::with_seed(1));
            let onnx = to_onnx(architecture.name(), &fold(architecture, &set).unwrap());
            let report = count(&onnx).unwrap();
            assert_eq!(report.counts, architecture.counts());
            assert_eq!((report.input, report.output), (vec![1, 3, 112, 112], vec![1, 512]));
            let size = report.bytes as f64;
            assert!(size < 1.01 * architecture.counts().folded_bytes as f64, "{size}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        assert!(count(b"nonsense").is_err());
        assert!(count(&[]).unwrap_err().to_string().contains("no graph"));
    }
}
