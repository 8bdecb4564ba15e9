//! `quantise`: the int8 network of a model folder, and what it costs.

use crate::bundle::SIGNATURE;
use crate::cli;
use crate::evaluate::engine::{bar, guard};
use crate::faces::{Crop, read};
use crate::manifest::Manifest;
use crate::quantise::{Choice, Cost, Network, cost, int8_file, looks, quantise, with_int8};
use anyhow::{Context, Result, anyhow, ensure};
use mfn_engine::{ModelFolder, Recogniser};

/// Runs the command.
pub fn run(arguments: &cli::Quantise) -> Result<()> {
    let folder = ModelFolder::open(&arguments.model)?;
    // A stranger's network is tried in a process of its own before anything here reads it.
    Recogniser::load(&folder, &guard()?)?;
    let manifest = Manifest::read(&arguments.model)?;
    let fp32 = manifest.networks.get("fp32").context("the manifest names no fp32 network")?;
    let path = arguments.model.join(fp32);
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let network = Network::parse(&bytes).map_err(|e| anyhow!("{}: {e:#}", path.display()))?;
    let (calibration, comparison) = split(arguments)?;
    let choice = Choice { rule: arguments.range, weights_only: arguments.weights_only };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.unwrap_or(cores);
    let inputs: Vec<Vec<f32>> = calibration
        .iter()
        .map(|crop| {
            let mut input = vec![0.0; crop.face.data().len()];
            manifest.input.normalise(crop.face.data(), &mut input);
            input
        })
        .collect();
    let progress = bar("calibrating", inputs.len() * looks(choice));
    let int8 = quantise(&network, &inputs, choice, threads, &|| progress.inc(1))?;
    progress.finish_and_clear();
    let was_signed = arguments.model.join(SIGNATURE).exists();
    let cost = with_int8(&arguments.model, &int8, |trial| cost(trial, &comparison, threads))?;
    report(arguments, &int8_file(fp32), [bytes.len(), int8.len()], &cost);
    if was_signed {
        log::warn!("{}: sign it again with `mfn-export bundle`", arguments.model.display());
    }
    Ok(())
}

/// Crops to calibrate with, and others to compare the networks on.
fn split(arguments: &cli::Quantise) -> Result<(Vec<Crop>, Vec<Crop>)> {
    ensure!(arguments.faces > 0 && arguments.compare > 0, "--faces and --compare must be at least 1");
    let mut crops = read(&arguments.calibrate, arguments.faces + arguments.compare, arguments.seed)?;
    let comparison = crops.split_off(arguments.faces.min(crops.len() / 2));
    Ok((crops, comparison))
}

fn report(arguments: &cli::Quantise, file: &str, bytes: [usize; 2], cost: &Cost) {
    let path = arguments.model.join(file);
    if arguments.json {
        let line = serde_json::json!({
            "model": arguments.model, "network": file, "bytes_fp32": bytes[0], "bytes_int8": bytes[1], "cost": cost,
        });
        println!("{line}");
        return;
    }
    println!("{}: {:.2} MB, fp32 {:.2} MB", path.display(), bytes[1] as f64 / 1e6, bytes[0] as f64 / 1e6);
    println!(
        "cosine to fp32: mean {:.5}, lowest {:.5}, {} faces that were not calibrated with",
        cost.cosine_mean, cost.cosine_worst, cost.faces
    );
    match &cost.pairs {
        None => println!("no labels (folders that are people), so no decisions were compared"),
        Some(p) => {
            println!("{} mated and {} non-mated pairs, threshold {:.3}:", p.mated, p.non_mated, p.threshold);
            println!("  wrong decisions {:.3} % -> {:.3} %", p.error_fp32_percent, p.error_int8_percent);
            println!("  TAR at FAR 1e-3 {:.2} % -> {:.2} %", p.tar_fp32_percent, p.tar_int8_percent);
            let share = 100.0 * p.changed as f64 / (p.mated + p.non_mated) as f64;
            println!("  decisions that changed: {} ({share:.3} %)", p.changed);
        }
    }
}
