//! What an ONNX file says about its input and output.

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use std::path::{Path, PathBuf};
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{ModelProto, ValueInfoProto, type_proto};

/// No larger file is taken by the engine.
const MAX_FILE: u64 = 64 << 20;

/// An ONNX file that looks like a recogniser.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// The file, for messages.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Name of its one input, of 112x112 pixels.
    pub input: String,
    /// Name of the output that is taken.
    pub output: String,
    /// How many numbers that has.
    pub dimension: usize,
}

impl Stranger {
    /// Reads a file; `output` and `dimension` are needed where it does not say them itself.
    ///
    /// # Errors
    /// When it is no ONNX file, its input is not 1x3x112x112, or it does not say which output to take.
    pub fn read(path: &Path, output: Option<&str>, dimension: Option<usize>) -> Result<Self> {
        let within = || path.display().to_string();
        let size = std::fs::metadata(path).with_context(within)?.len();
        ensure!(size <= MAX_FILE, "{}: {size} bytes, the limit is {MAX_FILE}", path.display());
        let bytes = std::fs::read(path).with_context(within)?;
        Self::parse(path, bytes, output, dimension).with_context(within)
    }

    fn parse(path: &Path, bytes: Vec<u8>, output: Option<&str>, dimension: Option<usize>) -> Result<Self> {
        let graph = ModelProto::decode(&bytes[..]).context("it is no ONNX file")?.graph;
        let graph = graph.context("it holds no graph")?;
        let constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs: Vec<_> = graph.input.iter().filter(|input| !constant(&input.name)).collect();
        let [input] = inputs[..] else { bail!("it has {} inputs instead of one", inputs.len()) };
        let sizes = sizes(input);
        let wanted = [Some(3), Some(112), Some(112)];
        let fits = sizes.len() == 4 && sizes[1..].iter().zip(wanted).all(|(s, w)| s.is_none() || *s == w);
        ensure!(fits, "its input {} is {}, a recogniser takes Nx3x112x112", input.name, written(&sizes));
        let names = || graph.output.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", ");
        let chosen = match output {
            Some(name) => graph.output.iter().find(|o| o.name == name),
            None if graph.output.len() > 1 => {
                bail!("it has several outputs; name one with --output: {}", names())
            }
            None => graph.output.first(),
        };
        let chosen = chosen.with_context(|| format!("it has no such output, only: {}", names()))?;
        let told = self::sizes(chosen).last().copied().flatten();
        let dimension =
            dimension.or(told).context("it does not say how long its output is; say it with --dimension")?;
        ensure!((1..=4096).contains(&dimension), "{dimension} numbers are no feature vector");
        let (input, output) = (input.name.clone(), chosen.name.clone());
        Ok(Self { path: path.into(), bytes, input, output, dimension })
    }
}

/// The shape, with `None` for a size that is left open.
fn sizes(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return Vec::new();
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    dims.map(|d| if let Some(Value::DimValue(size)) = d.value { usize::try_from(size).ok() } else { None })
        .collect()
}

fn written(sizes: &[Option<usize>]) -> String {
    let one = |s: &Option<usize>| s.map_or("N".to_string(), |s| s.to_string());
    sizes.iter().map(one).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::Writer;

    fn file(input: &[usize]) -> Vec<u8> {
        Writer::new("x").finish(("data", input), ("features", &[1, 128]))
    }

    #[test]
    fn names_and_sizes_are_read() {
        let parse =
            |dimension| Stranger::parse("x".as_ref(), file(&[1, 3, 112, 112]), None, dimension).unwrap();
        let stranger = parse(None);
        assert_eq!(
            (&stranger.input[..], &stranger.output[..], stranger.dimension),
            ("data", "features", 128)
        );
        assert_eq!(parse(Some(64)).dimension, 64);
    }

    #[test]
    fn what_is_no_recogniser_is_told() {
        let refused =
            |bytes, output| Stranger::parse("x".as_ref(), bytes, output, None).unwrap_err().to_string();
        assert!(refused(file(&[1, 112, 112, 3]), None).contains("1x112x112x3"));
        assert!(refused(file(&[1, 3, 112, 112]), Some("x")).contains("only: features"));
        assert!(refused(b"nonsense".to_vec(), None).contains("no ONNX file"));
    }
}
