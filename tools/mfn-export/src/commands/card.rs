//! `card`: a recogniser's figures, curves and thresholds, into its folder.

use super::output;
use crate::bundle::unsign;
use crate::card::{
    Card, Comparisons, HeldOut, Rejected, draw_rejection, levels, rejection, text, thresholds,
};
use crate::cli;
use crate::evaluate::engine::{Engine, guard};
use crate::evaluate::report::{Format, Report, print};
use crate::evaluate::{Figures, Outcome, draw};
use crate::faces::{Crop, templates};
use crate::manifest::Manifest;
use crate::quantise::{Cost, compare};
use crate::recipe::Recipe;
use crate::train::checkpoint::write_whole;
use anyhow::{Context, Result};
use mfn_engine::{ModelFolder, Precision};
use mfn_template::Template;
use std::path::Path;

/// The file of figures.
const FIGURES: &str = "figures.md";

/// Runs the command.
pub fn run(arguments: &cli::Card) -> Result<()> {
    for benchmark in &arguments.benchmarks {
        benchmark.check_path()?;
    }
    let folder = &arguments.model;
    let model = ModelFolder::open(folder)?.select(Precision::Fp32)?;
    let threads = super::cores();
    let outcomes = benchmarks(arguments, &model, threads)?;
    let held_out = HeldOut::read(&Recipe::load(&arguments.recipe, &arguments.changes)?)?;
    let fp32 = templates(&model, &held_out.crops, threads)?;
    let comparisons = held_out.compare(&fp32);
    let levels = levels(&comparisons, held_out.people)?;
    let mut manifest = Manifest::read(folder)?;
    manifest.thresholds = Some(thresholds(&levels, held_out.people)?);
    let int8 = match manifest.networks.contains_key("int8") {
        true => Some(int8_cost(&model, &fp32, &held_out.crops, threads)?),
        false => None,
    };
    let rejections = outcomes.iter().map(|o| (o.name.clone(), rejected(o))).collect::<Vec<_>>();
    pictures(folder, model.name(), &held_out, &comparisons, &rejections)?;
    let card = Card {
        model: model.name().to_string(),
        network_sha256: model.network_sha256().to_string(),
        command: command(arguments),
        crops: held_out.crops.len(),
        people: held_out.people,
        levels,
        sources: comparisons.sources,
        benchmarks: match outcomes.is_empty() {
            true => String::new(),
            false => print(&Report::of(&model, outcomes), Format::Text, false),
        },
        rejections,
        int8,
    };
    let text = text(&card);
    let figures = folder.join(FIGURES);
    write_whole(&figures, text.as_bytes())
        .with_context(|| format!("{}: cannot be written", figures.display()))?;
    manifest.write(folder)?;
    unsign(folder)?;
    if arguments.json {
        return output::json(&serde_json::json!({ "model": folder, "thresholds": manifest.thresholds }));
    }
    output::text(&text)
}

fn int8_cost(model: &ModelFolder, fp32: &[Template], crops: &[Crop], threads: usize) -> Result<Cost> {
    let int8 = templates(&model.clone().select(Precision::Int8)?, crops, threads)?;
    Ok(compare(fp32, &int8, crops))
}

fn benchmarks(arguments: &cli::Card, model: &ModelFolder, threads: usize) -> Result<Vec<Outcome>> {
    if arguments.benchmarks.is_empty() {
        return Ok(Vec::new());
    }
    let engine = Engine::open(model, &arguments.models, threads, true, &guard()?)?;
    let mut outcomes = Vec::new();
    for benchmark in &arguments.benchmarks {
        outcomes.extend(benchmark.run(&engine, &[10, 100, 1000])?);
    }
    Ok(outcomes)
}

fn rejected(outcome: &Outcome) -> Vec<Rejected> {
    match &outcome.figures {
        Figures::Pairs(figures) => rejection(figures),
        _ => Vec::new(),
    }
}

/// The DET curve, and what rejecting by quality is worth on each benchmark.
fn pictures(
    folder: &Path,
    model: &str,
    held_out: &HeldOut,
    comparisons: &Comparisons,
    rejections: &[(String, Vec<Rejected>)],
) -> Result<()> {
    let title = format!("{model}, {} people", held_out.people);
    draw(&comparisons.all.curve(), &title, &folder.join("det.svg"))?;
    for (name, curve) in rejections.iter().filter(|(_, curve)| !curve.is_empty()) {
        let to = folder.join(format!("rejected-{name}.svg"));
        draw_rejection(curve, &format!("{model}, {name}"), &to)?;
    }
    Ok(())
}

/// The command line for whoever makes the figures again: folders of data are named by their last part.
fn command(arguments: &cli::Card) -> String {
    let model = arguments.model.display();
    let mut line = format!("mfn-export card {model} {} --set data.root=$DATA", arguments.recipe.display());
    for benchmark in &arguments.benchmarks {
        let file = benchmark.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        line += &format!(" --benchmark {}=$DATA/{file}", benchmark.name());
    }
    line
}
