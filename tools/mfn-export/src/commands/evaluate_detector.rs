//! `evaluate-detector`: a detector's figures on the frames that a recipe keeps out of training.

use super::output;
use crate::bundle::MANIFEST;
use crate::cli;
use crate::detect::{Examination, Frames};
use crate::evaluate::engine::guard;
use crate::recipe::DetectorRecipe;
use anyhow::Result;
use mfn_engine::{ModelFolder, Models, Precision};
use std::path::Path;

/// Runs the command.
pub fn run(arguments: &cli::EvaluateDetector) -> Result<()> {
    let recipe = DetectorRecipe::load(&arguments.recipe, &arguments.changes)?;
    let model = detector(&arguments.model)?;
    let model = if arguments.int8 { model.select(Precision::Int8)? } else { model };
    let frames = Frames::open(&recipe.data)?;
    let (guard, mut examination, mut labels) = (guard()?, Examination::required(&frames, &recipe)?, None);
    if let Some(by) = &arguments.marks_by {
        let (marked, figures) = examination.marked(&detector(by)?, &guard)?;
        (examination, labels) = (marked, Some(figures));
    }
    let figures = examination.by_engine(&model, &guard)?;
    let name = model.name();
    if arguments.json {
        return output::json(&serde_json::json!({ "model": name, "figures": figures, "labels": labels }));
    }
    let mut text = format!("{name} on {} frames kept out of training\n{}", figures.frames, figures.text());
    if let Some(labels) = labels {
        text += &format!("the labels themselves\n{}", labels.text());
    }
    output::text(&text)
}

/// A detector's folder, or the only one in a folder of models.
fn detector(path: &Path) -> Result<ModelFolder> {
    if path.join(MANIFEST).exists() {
        return Ok(ModelFolder::open(path)?);
    }
    Ok(Models::find(path)?.detector()?.clone())
}
