//! `quantise-detector`: the int8 network of a detector's folder, and what it costs.

use super::output;
use super::quantise::{fit, network, normalised};
use crate::cli;
use crate::detect::{Examination, Figures, Frames};
use crate::evaluate::engine::guard;
use crate::manifest::Manifest;
use crate::quantise::{Choice, int8_file, with_int8};
use crate::recipe::DetectorRecipe;
use anyhow::{Result, ensure};
use mfn_engine::{Detector, DetectorOptions, DetectorTest, Guard, ModelFolder, Precision};
use mfn_vision::{RgbImage, fit as fit_into};
use serde::Serialize;
use std::path::Path;

/// What is told in the end.
#[derive(Serialize)]
struct Found {
    bytes_fp32: usize,
    bytes_int8: usize,
    fp32: Figures,
    int8: Figures,
    /// Why a door would refuse the int8 network.
    self_test: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &cli::QuantiseDetector) -> Result<()> {
    let recipe = DetectorRecipe::load(&arguments.recipe, &arguments.changes)?;
    let folder = ModelFolder::open(&arguments.model)?;
    // A stranger's network is tried in a process of its own before anything here reads it.
    Detector::load(&folder, DetectorOptions::default(), &guard()?)?;
    let manifest = Manifest::read(&arguments.model)?;
    let (network, bytes_fp32) = network(&arguments.model, &manifest)?;
    let frames = Frames::open(&recipe.data)?;
    let examination = Examination::required(&frames, &recipe)?;
    let pictures = pictures(&frames, arguments)?;
    let inputs = normalised(&manifest, pictures.iter().map(RgbImage::data));
    let DetectorOptions { width, height, .. } = DetectorOptions::default();
    let choice = Choice { rule: arguments.range, weights_only: false };
    let threads = arguments.threads.unwrap_or(super::cores());
    let int8 = fit(&network, [height as usize, width as usize], &inputs, choice, threads)?;
    let found = with_int8(&arguments.model, &int8, |trial| {
        let figures = |precision| {
            let folder = ModelFolder::open(trial)?.select(precision)?;
            examination.by_engine(&folder, &Guard::trusted())
        };
        Ok(Found {
            bytes_fp32,
            bytes_int8: int8.len(),
            fp32: figures(Precision::Fp32)?,
            int8: figures(Precision::Int8)?,
            self_test: self_test(trial)?.err(),
        })
    })?;
    if let Some(reason) = &found.self_test {
        log::warn!("doors will refuse its int8: {reason}");
    }
    if arguments.json {
        return output::json(&found);
    }
    output::text(&text(&arguments.model.join(int8_file(&manifest.networks["fp32"])), &found))
}

/// Frames that the recipe trains on, picked by the seed, as a door's usual input has them.
fn pictures(frames: &Frames, arguments: &cli::QuantiseDetector) -> Result<Vec<RgbImage>> {
    ensure!(arguments.frames > 0, "--frames must be at least 1");
    let count = arguments.frames.min(frames.train.len());
    let picked = fastrand::Rng::with_seed(arguments.seed).choose_multiple(&frames.train, count);
    let DetectorOptions { width, height, .. } = DetectorOptions::default();
    let one = |frame| {
        let mut input = RgbImage::new(width, height);
        fit_into(&frames.picture(frame)?, &mut input);
        Ok(input)
    };
    picked.into_iter().map(one).collect()
}

/// The test that a door makes of the int8 network of a folder, or why it would refuse it.
fn self_test(folder: &Path) -> Result<Result<DetectorTest, String>> {
    let int8 = ModelFolder::open(folder)?.select(Precision::Int8)?;
    let mut detector = Detector::load(&int8, DetectorOptions::default(), &Guard::trusted())?;
    Ok(detector.self_test(&int8).map_err(|e| e.to_string()))
}

fn text(path: &Path, found: &Found) -> String {
    let [fp32, int8] = [found.bytes_fp32, found.bytes_int8].map(|bytes| bytes as f64 / 1e6);
    format!(
        "{}: {int8:.2} MB, fp32 {fp32:.2} MB\nfp32 on {} frames kept out of training\n{}int8\n{}",
        path.display(),
        found.fp32.frames,
        found.fp32.text(),
        found.int8.text()
    )
}
