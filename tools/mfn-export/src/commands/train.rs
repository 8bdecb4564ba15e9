//! `train`: begins a run or goes on with one.

use crate::cli;
use crate::recipe::Recipe;
use crate::train::{Options, resume, start};
use anyhow::{Context, Result};

/// Runs the command.
pub fn run(arguments: &cli::Train) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = arguments.threads.unwrap_or(cores).max(1);
    let options = Options { models: arguments.models.clone(), threads };
    if let Some(path) = &arguments.resume {
        return resume(path, &arguments.changes, &options);
    }
    let recipe = arguments.recipe.as_ref().context("train: wants a recipe or --resume RUN")?;
    let out = arguments.out.as_ref().context("train: wants --out RUN")?;
    start(&Recipe::load(recipe, &arguments.changes)?, out, &options)
}
