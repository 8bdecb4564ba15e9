//! `train`: begins a run or goes on with one.

use crate::cli;
use crate::detect;
use crate::device::Place;
use crate::recipe::{DetectorRecipe, Recipe, is_detector};
use crate::train::{Options, resume, start};
use anyhow::{Context, Result, ensure};

/// Runs the command.
pub fn run(arguments: &cli::Train) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.unwrap_or(cores).max(1);
    let began = arguments.resume.as_ref().map(|run| run.join("recipe.toml"));
    if began
        .as_ref()
        .filter(|r| r.exists())
        .or(arguments.recipe.as_ref())
        .is_some_and(|r| is_detector(r).unwrap_or(false))
    {
        ensure!(arguments.device == Place::Cpu, "--device: a detector is trained on the CPU");
        return detector(arguments, threads);
    }
    let options = Options { models: arguments.models.clone(), threads, device: arguments.device };
    if let Some(path) = &arguments.resume {
        return resume(path, &arguments.changes, &options);
    }
    let recipe = arguments.recipe.as_ref().context("train: wants a recipe or --resume RUN")?;
    let out = arguments.out.as_ref().context("train: wants --out RUN")?;
    start(&Recipe::load(recipe, &arguments.changes)?, out, &options)
}

fn detector(arguments: &cli::Train, threads: usize) -> Result<()> {
    if let Some(path) = &arguments.resume {
        return detect::resume(path, &arguments.changes, threads);
    }
    let recipe = arguments.recipe.as_ref().context("train: wants a recipe or --resume RUN")?;
    let out = arguments.out.as_ref().context("train: wants --out RUN")?;
    detect::start(&DetectorRecipe::load(recipe, &arguments.changes)?, out, threads)
}
