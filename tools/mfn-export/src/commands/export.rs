//! `export`: from a checkpoint to a model folder.

use crate::arch::Architecture;
use crate::cli;
use crate::detect;
use crate::export::{Description, check_name, fold, read_crops, templates, to_onnx, write};
use crate::net::ParameterSet;
use crate::train::checkpoint;
use anyhow::{Context, Result, anyhow};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

/// Runs the command.
pub fn run(arguments: &cli::Export) -> Result<()> {
    arguments.name.as_deref().map_or(Ok(()), check_name)?;
    let path = checkpoint_of(&arguments.checkpoint);
    let name = network_of(&path)?;
    if name == detect::NAME {
        return detector(arguments, &path);
    }
    let architecture = Architecture::by_name(&name)
        .with_context(|| format!("checkpoint {}: no network is called `{name}`", path.display()))?;
    let fresh = ParameterSet::network(architecture, &mut fastrand::Rng::with_seed(0));
    let set = checkpoint::shipped(&path, &name, fresh)?;
    let layers = fold(architecture, &set).map_err(|e| anyhow!("checkpoint {}: {e:#}", path.display()))?;
    let crops = read_crops(&arguments.golden)?;
    let golden = templates(architecture, &set, &crops)?;
    let onnx = to_onnx(architecture.name(), &layers);
    let name = arguments.name.clone().unwrap_or(name);
    let description = Description::trained(name, arguments.licence.clone());
    let written = write(&arguments.out, &description, &onnx, &crops, &golden)?;
    println!(
        "{}: {:.2} MB, template space {}, lowest cosine to the training graph {:.6} over {} golden crops",
        arguments.out.display(),
        written.bytes as f64 / 1e6,
        written.template_space,
        written.lowest_cosine,
        crops.len()
    );
    if let Some(reason) = written.self_test {
        log::warn!("doors will refuse this model until it is better trained: {reason}");
    }
    Ok(())
}

fn detector(arguments: &cli::Export, path: &Path) -> Result<()> {
    let fresh = detect::fresh(&mut fastrand::Rng::with_seed(0));
    let set = checkpoint::shipped(path, detect::NAME, fresh)?;
    let name = arguments.name.as_deref().unwrap_or(detect::NAME);
    let written = detect::export(&arguments.out, (name, &arguments.licence), &set, &arguments.golden)?;
    println!(
        "{}: {:.2} MB, {} faces in {} golden pictures, off by at most {:.1e} in score and {:.1e} pixels from the training graph",
        arguments.out.display(),
        written.bytes as f64 / 1e6,
        written.test.faces,
        written.pictures,
        written.test.largest_score_difference,
        written.test.largest_shift,
    );
    Ok(())
}

/// The network that the checkpoint's header names.
fn network_of(path: &Path) -> Result<String> {
    let within = || format!("checkpoint {}", path.display());
    let bytes = std::fs::read(path).with_context(within)?;
    let (_, header) =
        SafeTensors::read_metadata(&bytes).context("it is no checkpoint").with_context(within)?;
    let network = header.metadata().as_ref().and_then(|m| m.get("network")).cloned();
    network.context("its header names no network").with_context(within)
}

/// Of a run's folder its best checkpoint, else its last.
fn checkpoint_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.into();
    }
    let best = path.join("v1.safetensors");
    if best.exists() { best } else { path.join("checkpoint.safetensors") }
}
