//! Writing a model folder in the engine's format, whole or not at all.

use super::{GoldenCrop, INPUT, OUTPUT};
use crate::arch::INPUT_SIDE;
use crate::manifest::{Input, Manifest, Output};
use anyhow::{Context, Result, bail, ensure};
use mfn_engine::{Guard, ModelFolder, Recogniser};
use mfn_template::Template;
use mfn_vision::{AlignedFace, RgbImage};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name of the file of golden vectors.
const GOLDEN: &str = "golden.json";
/// Rounding alone leaves the two runtimes 1e-6 apart.
const LOWEST_COSINE: f32 = 0.9999;

/// What a model folder says about its model.
#[derive(Clone, Debug)]
pub struct Description {
    /// Name of the model: a-z, 0-9, '-', '.'.
    pub name: String,
    /// The model's terms.
    pub licence: String,
    /// How pixels become its input.
    pub input: Input,
    /// Name of its output.
    pub output: String,
    /// What the golden templates were made by.
    pub runtime: String,
}

impl Description {
    /// Of a network that was trained here.
    pub fn trained(name: String, licence: String) -> Self {
        let input = Input {
            name: INPUT.into(),
            size: Some([INPUT_SIDE; 2]),
            channels: "rgb".into(),
            mean: [127.5; 3],
            scale: [127.5; 3],
        };
        let version = env!("CARGO_PKG_VERSION");
        let runtime = format!("training graph of mfn-export {version} in evaluation mode");
        Self { name, licence, input, output: OUTPUT.into(), runtime }
    }
}

/// What was written, and how the engine's outputs compare with the golden ones.
#[derive(Clone, Debug)]
pub struct Written {
    /// Bytes of the network's file.
    pub bytes: usize,
    /// What the templates may be compared with.
    pub template_space: String,
    /// Lowest cosine between the engine's templates and the golden ones.
    pub lowest_cosine: f32,
    /// Why a board would refuse the model all the same, if it would.
    pub self_test: Option<String>,
}

/// Writes network, golden vectors and manifest to `out`, a folder that must not exist yet.
///
/// # Errors
/// When `out` exists, cannot be written, or the engine does not take or reproduce the network; nothing is left.
pub fn write(
    out: &Path,
    description: &Description,
    onnx: &[u8],
    crops: &[GoldenCrop],
    templates: &[Vec<f32>],
) -> Result<Written> {
    whole_folder(out, |part| fill(part, description, onnx, crops, templates))
}

/// Has `fill` make a folder beside `out`, which must not exist yet, and moves it there once it is whole.
///
/// # Errors
/// When `out` exists or `fill` fails; nothing is left.
pub(crate) fn whole_folder<W>(out: &Path, fill: impl FnOnce(&Path) -> Result<W>) -> Result<W> {
    ensure!(!out.exists(), "{} is there already; name another folder or remove it", out.display());
    let part = part(out)?;
    let done = fill(&part).and_then(|written| {
        std::fs::rename(&part, out).with_context(|| format!("{}: cannot be made", out.display()))?;
        Ok(written)
    });
    if done.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_dir_all(&part);
    }
    done
}

fn part(out: &Path) -> Result<PathBuf> {
    let Some(name) = out.file_name() else { bail!("{} names no folder", out.display()) };
    let part = out.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    std::fs::create_dir_all(&part).with_context(|| format!("{}: cannot be made", part.display()))?;
    Ok(part)
}

fn fill(
    folder: &Path,
    description: &Description,
    onnx: &[u8],
    crops: &[GoldenCrop],
    templates: &[Vec<f32>],
) -> Result<Written> {
    let space = template_space(&description.name, onnx);
    let network = format!("{}.onnx", description.name);
    let mut manifest = manifest(description, &space, &network, templates.first().map_or(0, Vec::len));
    manifest.put(folder, &network, onnx)?;
    for crop in crops {
        let mut png = std::io::Cursor::new(Vec::new());
        crop.picture.write_to(&mut png, image::ImageFormat::Png)?;
        manifest.put(folder, &crop.file, png.get_ref())?;
    }
    manifest.put(folder, GOLDEN, golden(description, crops, templates).as_bytes())?;
    manifest.write(folder)?;
    check(folder, onnx, space, crops, templates)
}

/// Templates of other weights cannot be compared, so their hash is part of the name.
fn template_space(name: &str, onnx: &[u8]) -> String {
    let hash = crate::bundle::hex(&Sha256::digest(onnx));
    let name: String = name.chars().take(48).collect();
    format!("{name}-{}", &hash[..8])
}

fn golden(description: &Description, crops: &[GoldenCrop], templates: &[Vec<f32>]) -> String {
    let templates: BTreeMap<&str, &Vec<f32>> =
        crops.iter().zip(templates).map(|(crop, template)| (crop.file.as_str(), template)).collect();
    let file = json!({
        "input": "8-bit RGB crop as PNG; the network sees (pixel - mean) / scale as the manifest says",
        "output": "one vector, to be L2-normalised",
        "runtime": description.runtime,
        "templates": templates,
    });
    format!("{file:#}\n")
}

fn manifest(description: &Description, template_space: &str, network: &str, dimension: usize) -> Manifest {
    Manifest {
        version: 1,
        kind: "recogniser".into(),
        name: description.name.clone(),
        licence: description.licence.clone(),
        template_space: Some(template_space.into()),
        golden: GOLDEN.into(),
        input: description.input.clone(),
        output: Output { names: vec![description.output.clone()], dimension: Some(dimension) },
        networks: BTreeMap::from([("fp32".into(), network.into())]),
        thresholds: None,
        files: BTreeMap::new(),
    }
}

/// Has the engine run what was written, and compares.
fn check(
    folder: &Path,
    onnx: &[u8],
    template_space: String,
    crops: &[GoldenCrop],
    templates: &[Vec<f32>],
) -> Result<Written> {
    let opened = ModelFolder::open(folder).context("the engine does not take the exported folder")?;
    // The file was made a moment ago by this very program.
    let mut recogniser = Recogniser::load(&opened, &Guard::trusted())?;
    let mut lowest_cosine = 1.0_f32;
    for (crop, golden) in crops.iter().zip(templates) {
        let (width, height) = crop.picture.dimensions();
        let picture = RgbImage::from_raw(width, height, crop.picture.as_raw().clone());
        let face =
            picture.as_ref().and_then(AlignedFace::from_rgb).context("a golden crop is not 112x112")?;
        let golden = Template::normalise(golden)?;
        lowest_cosine = lowest_cosine.min(recogniser.embed(&face)?.similarity(&golden));
    }
    ensure!(
        lowest_cosine >= LOWEST_COSINE,
        "the engine's template of a golden crop has cosine {lowest_cosine:.6} to that of the training graph"
    );
    let self_test = recogniser.self_test(&opened).err().map(|e| e.to_string());
    Ok(Written { bytes: onnx.len(), template_space, lowest_cosine, self_test })
}
