//! `train`: begins a run or goes on with one.

use super::output;
use crate::cli;
use crate::detect;
use crate::device::Place;
use crate::recipe::{DetectorRecipe, Recipe, is_detector};
use crate::train::{Finished, Options, resume, start};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Runs the command.
pub fn run(arguments: &cli::Train) -> Result<()> {
    let cores = super::cores();
    let threads = arguments.threads.unwrap_or(cores).max(1);
    let began = arguments.resume.as_ref().map(|run| run.join("recipe.toml"));
    let recipe = began.as_ref().filter(|r| r.exists()).or(arguments.recipe.as_ref());
    let detector_wanted = recipe.is_some_and(|r| is_detector(r).unwrap_or(false));
    ensure!(!detector_wanted || arguments.device == Place::Cpu, "--device: a detector is trained on the CPU");
    let train = if detector_wanted { detector } else { recogniser };
    // On a thread of the pool that computes the layers: it takes its share of every layer at once, where another
    // thread would wake the pool and be woken by it several hundred times a step.
    let finished = rayon::scope(|_| train(arguments, threads))?;
    if arguments.json { output::json(&finished) } else { Ok(()) }
}

fn recogniser(arguments: &cli::Train, threads: usize) -> Result<Finished> {
    let options = Options { models: arguments.models.clone(), threads, device: arguments.device };
    if let Some(path) = &arguments.resume {
        return resume(path, &arguments.changes, &options);
    }
    let (recipe, out) = new_run(arguments)?;
    start(&Recipe::load(recipe, &arguments.changes)?, out, &options)
}

fn detector(arguments: &cli::Train, threads: usize) -> Result<Finished> {
    if let Some(path) = &arguments.resume {
        return detect::resume(path, &arguments.changes, threads);
    }
    let (recipe, out) = new_run(arguments)?;
    detect::start(&DetectorRecipe::load(recipe, &arguments.changes)?, out, threads)
}

/// The recipe and the folder of a new run.
fn new_run(arguments: &cli::Train) -> Result<(&Path, &Path)> {
    let recipe = arguments.recipe.as_ref().context("train: wants a recipe or --resume RUN")?;
    let out = arguments.out.as_ref().context("train: wants --out RUN")?;
    Ok((recipe, out))
}
