//! `export`: from a checkpoint to a model folder.

use super::output;
use crate::arch::Architecture;
use crate::cli;
use crate::detect;
use crate::export::{Description, Written, fold, read_crops, templates, to_onnx, write};
use crate::manifest::check_terms;
use crate::net::ParameterSet;
use crate::train::checkpoint;
use anyhow::{Context, Result, anyhow};
use std::path::{Path, PathBuf};

/// Runs the command.
pub fn run(arguments: &cli::Export) -> Result<()> {
    check_terms(arguments.name.as_deref(), &arguments.licence)?;
    let path = checkpoint_of(&arguments.checkpoint);
    let name = checkpoint::network_of(&path)?;
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
    if let Some(reason) = &written.self_test {
        log::warn!("doors will refuse this model until it is better trained: {reason}");
    }
    report(arguments, &written, crops.len())
}

fn report(arguments: &cli::Export, written: &Written, crops: usize) -> Result<()> {
    let Written { bytes, template_space, lowest_cosine, self_test } = written;
    if arguments.json {
        return output::json(&serde_json::json!({
            "model": arguments.out, "bytes": bytes, "template_space": template_space, "golden_crops": crops,
            "lowest_cosine": lowest_cosine, "self_test": self_test,
        }));
    }
    output::text(&format!(
        "{}: {:.2} MB, template space {template_space}, lowest cosine to the training graph {lowest_cosine:.6} over {crops} golden crops\n",
        arguments.out.display(),
        *bytes as f64 / 1e6,
    ))
}

fn detector(arguments: &cli::Export, path: &Path) -> Result<()> {
    let fresh = detect::fresh(&mut fastrand::Rng::with_seed(0));
    let set = checkpoint::shipped(path, detect::NAME, fresh)?;
    let name = arguments.name.as_deref().unwrap_or(detect::NAME);
    let written = detect::export(&arguments.out, (name, &arguments.licence), &set, &arguments.golden)?;
    let test = &written.test;
    if arguments.json {
        return output::json(&serde_json::json!({
            "model": arguments.out, "bytes": written.bytes, "golden_pictures": written.pictures, "faces": test.faces,
            "largest_score_difference": test.largest_score_difference, "largest_shift": test.largest_shift,
        }));
    }
    output::text(&format!(
        "{}: {:.2} MB, {} faces in {} golden pictures, off by at most {:.1e} in score and {:.1e} pixels from the training graph\n",
        arguments.out.display(),
        written.bytes as f64 / 1e6,
        test.faces,
        written.pictures,
        test.largest_score_difference,
        test.largest_shift,
    ))
}

/// Of a run's folder its best checkpoint, else its last.
fn checkpoint_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.into();
    }
    let best = path.join("v1.safetensors");
    if best.exists() { best } else { path.join("checkpoint.safetensors") }
}
