//! `quantise`: the int8 network of a model folder, and what it costs.

use super::output;
use crate::cli;
use crate::evaluate::Benchmark;
use crate::evaluate::engine::{bar, guard};
use crate::faces::{Crop, read};
use crate::manifest::Manifest;
use crate::quantise::{
    Choice, Cost, DecisionCost, Network, Pictures, cost, decisions, int8_file, looks, quantise, with_int8,
};
use anyhow::{Context, Result, anyhow, ensure};
use mfn_engine::{Guard, ModelFolder, Precision, Recogniser};
use mfn_vision::AlignedFace;
use std::path::Path;

/// Runs the command.
pub fn run(arguments: &cli::Quantise) -> Result<()> {
    check(&arguments.benchmarks)?;
    let folder = ModelFolder::open(&arguments.model)?;
    // A stranger's network is tried in a process of its own before anything here reads it.
    Recogniser::load(&folder, &guard()?)?;
    let manifest = Manifest::read(&arguments.model)?;
    let (network, bytes) = network(&arguments.model, &manifest)?;
    let (calibration, comparison) = split(arguments)?;
    let threads = arguments.threads.unwrap_or(super::cores());
    let choice = Choice { rule: arguments.range, weights_only: arguments.weights_only };
    let inputs = normalised(&manifest, calibration.iter().map(|crop| crop.face.data()));
    let int8 = fit(&network, [AlignedFace::SIDE; 2], &inputs, choice, threads)?;
    let found = with_int8(&arguments.model, &int8, |trial| {
        Ok(Found {
            bytes: [bytes, int8.len()],
            cost: cost(trial, &comparison, threads)?,
            self_test: self_test(trial)?,
            benchmarks: decisions(trial, &arguments.benchmarks, &arguments.models, threads)?,
        })
    })?;
    if let Some(reason) = &found.self_test {
        log::warn!("doors will refuse its int8: {reason}");
    }
    report(arguments, &int8_file(&manifest.networks["fp32"]), &found)
}

/// The fp32 network of a folder, and how many bytes its file has.
pub(super) fn network(folder: &Path, manifest: &Manifest) -> Result<(Network, usize)> {
    let fp32 = manifest.networks.get("fp32").context("the manifest names no fp32 network")?;
    let path = folder.join(fp32);
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let network = Network::parse(&bytes).map_err(|e| anyhow!("{}: {e:#}", path.display()))?;
    Ok((network, bytes.len()))
}

/// Pictures as the network takes them.
pub(super) fn normalised<'a>(manifest: &Manifest, pictures: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<f32>> {
    let one = |pixels: &[u8]| {
        let mut input = vec![0.0; pixels.len()];
        manifest.input.normalise(pixels, &mut input);
        input
    };
    pictures.map(one).collect()
}

/// The int8 file, its ranges fitted to inputs of this height and width.
pub(super) fn fit(
    network: &Network,
    size: [usize; 2],
    inputs: &[Vec<f32>],
    choice: Choice,
    threads: usize,
) -> Result<Vec<u8>> {
    let progress = bar("calibrating", inputs.len() * looks(choice));
    let pictures = Pictures { size, values: inputs, threads, done: &|| progress.inc(1) };
    let int8 = quantise(network, pictures, choice)?;
    progress.finish_and_clear();
    Ok(int8)
}

/// What is told in the end.
struct Found {
    /// Of fp32 and int8.
    bytes: [usize; 2],
    cost: Cost,
    /// Why a door would refuse the int8 network.
    self_test: Option<String>,
    benchmarks: Vec<DecisionCost>,
}

/// The reason for which a door would refuse the int8 network of a folder, if there is one.
fn self_test(folder: &Path) -> Result<Option<String>> {
    let int8 = ModelFolder::open(folder)?.select(Precision::Int8)?;
    Ok(Recogniser::load(&int8, &Guard::trusted())?.self_test(&int8).err().map(|e| e.to_string()))
}

/// Wrong paths and benchmarks that decide nothing are found before the work begins.
fn check(benchmarks: &[Benchmark]) -> Result<()> {
    for benchmark in benchmarks {
        benchmark.check_path()?;
        let path = benchmark.path().display();
        ensure!(benchmark.has_pairs(), "{path}: it is no benchmark of pairs in folds");
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

fn report(arguments: &cli::Quantise, file: &str, found: &Found) -> Result<()> {
    let Found { bytes: [fp32, int8], cost, self_test, benchmarks } = found;
    if arguments.json {
        return output::json(&serde_json::json!({
            "model": arguments.model, "network": file, "bytes_fp32": fp32, "bytes_int8": int8, "cost": cost,
            "self_test": self_test, "benchmarks": benchmarks,
        }));
    }
    output::text(&text(&arguments.model.join(file), found))
}

fn text(path: &Path, Found { bytes, cost, benchmarks, .. }: &Found) -> String {
    use std::fmt::Write;
    let [fp32, int8] = bytes.map(|bytes| bytes as f64 / 1e6);
    let mut out = format!("{}: {int8:.2} MB, fp32 {fp32:.2} MB\n", path.display());
    let _ = writeln!(
        out,
        "cosine to fp32: mean {:.5}, lowest {:.5}, {} faces that were not calibrated with",
        cost.cosine_mean, cost.cosine_worst, cost.faces
    );
    match &cost.pairs {
        None => out += "no labels (folders that are people), so no decisions were compared\n",
        Some(p) => {
            let _ = writeln!(
                out,
                "{} mated and {} non-mated pairs, threshold {:.3}:\n  wrong decisions {:.3} % -> {:.3} %\n  \
                 TAR at FAR 1e-3 {:.2} % -> {:.2} %\n  decisions that changed: {}",
                p.mated,
                p.non_mated,
                p.threshold,
                p.error_fp32_percent,
                p.error_int8_percent,
                p.tar_fp32_percent,
                p.tar_int8_percent,
                share(p.changed, p.mated + p.non_mated)
            );
        }
    }
    for b in benchmarks {
        let _ = writeln!(
            out,
            "{}: {} pairs\n  accuracy {:.2} % -> {:.2} %\n  decisions that changed: {}",
            b.name,
            b.pairs,
            b.accuracy_fp32_percent,
            b.accuracy_int8_percent,
            share(b.changed, b.pairs)
        );
    }
    out
}

fn share(count: usize, of: usize) -> String {
    format!("{count} ({:.3} %)", 100.0 * count as f64 / of as f64)
}
