//! `evaluate-detector`: a detector's figures on the frames that a recipe keeps out of training.

use super::output;
use crate::bundle::MANIFEST;
use crate::cli;
use crate::detect;
use crate::evaluate::engine::guard;
use crate::recipe::DetectorRecipe;
use anyhow::Result;
use mfn_engine::{ModelFolder, Models, Precision};

/// Runs the command.
pub fn run(arguments: &cli::EvaluateDetector) -> Result<()> {
    let recipe = DetectorRecipe::load(&arguments.recipe, &arguments.changes)?;
    let model = if arguments.model.join(MANIFEST).exists() {
        ModelFolder::open(&arguments.model)?
    } else {
        Models::find(&arguments.model)?.detector()?.clone()
    };
    let model = if arguments.int8 { model.select(Precision::Int8)? } else { model };
    let figures = detect::evaluate(&model, &recipe, &guard()?)?;
    if arguments.json {
        return output::json(&serde_json::json!({ "model": model.name(), "figures": figures }));
    }
    let (name, frames) = (model.name(), figures.frames);
    output::text(&format!("{name} on {frames} frames kept out of training\n{}", figures.text()))
}
