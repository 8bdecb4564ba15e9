//! `card`: a recogniser's figures, curves and thresholds, into its folder.

use super::output;
use crate::bundle::SIGNATURE;
use crate::card::{Card, HeldOut, draw_rejection, levels, rejection, text, thresholds};
use crate::cli;
use crate::evaluate::engine::{Engine, guard};
use crate::evaluate::report::{Format, Report, print};
use crate::evaluate::{Figures, Outcome, draw};
use crate::faces::templates;
use crate::manifest::Manifest;
use crate::quantise::cost;
use crate::recipe::Recipe;
use crate::train::checkpoint::write_whole;
use anyhow::{Context, Result, ensure};
use mfn_engine::{ModelFolder, Precision};
use std::path::Path;

/// The file of figures.
const FIGURES: &str = "figures.md";

/// Runs the command.
pub fn run(arguments: &cli::Card) -> Result<()> {
    for benchmark in &arguments.benchmarks {
        ensure!(benchmark.path().exists(), "{}: there is nothing", benchmark.path().display());
    }
    let folder = &arguments.model;
    let model = ModelFolder::open(folder)?.select(Precision::Fp32)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let outcomes = benchmarks(arguments, &model, threads)?;
    let held_out = HeldOut::read(&Recipe::load(&arguments.recipe, &arguments.changes)?)?;
    let comparisons = held_out.compare(&templates(&model, &held_out.crops, threads)?);
    let levels = levels(&comparisons, held_out.people)?;
    let mut manifest = Manifest::read(folder)?;
    let int8 = manifest.networks.contains_key("int8");
    let rejections = outcomes.iter().map(|o| (o.name.clone(), rejected(o))).collect::<Vec<_>>();
    draw(
        &comparisons.all.curve(),
        &format!("{}, {} people", model.name(), held_out.people),
        &folder.join("det.svg"),
    )?;
    for (name, curve) in rejections.iter().filter(|(_, curve)| !curve.is_empty()) {
        draw_rejection(
            curve,
            &format!("{}, {name}", model.name()),
            &folder.join(format!("rejected-{name}.svg")),
        )?;
    }
    let card = Card {
        model: model.name().to_string(),
        network_sha256: model.network_sha256().to_string(),
        command: command(arguments),
        crops: held_out.crops.len(),
        people: held_out.people,
        levels,
        sources: comparisons.sources,
        benchmarks: report(&model, outcomes),
        rejections,
        int8: int8.then(|| cost(folder, &held_out.crops, threads)).transpose()?,
    };
    let text = text(&card);
    put(&folder.join(FIGURES), text.as_bytes())?;
    manifest.thresholds = Some(thresholds(&card.levels, card.people)?);
    manifest.write(folder)?;
    unsign(folder)?;
    if arguments.json {
        return output::json(&serde_json::json!({ "model": folder, "thresholds": manifest.thresholds }));
    }
    output::text(&text)
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

fn rejected(outcome: &Outcome) -> Vec<crate::card::Rejected> {
    match &outcome.figures {
        Figures::Pairs(figures) => rejection(figures),
        _ => Vec::new(),
    }
}

/// The benchmarks as `evaluate` prints them.
fn report(model: &ModelFolder, benchmarks: Vec<Outcome>) -> String {
    if benchmarks.is_empty() {
        return String::new();
    }
    let report = Report {
        model: model.name().to_string(),
        precision: "fp32".into(),
        network_sha256: model.network_sha256().to_string(),
        cost: None,
        benchmarks,
    };
    print(&report, Format::Text, false)
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

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, bytes).with_context(|| format!("{}: cannot be written", path.display()))
}

/// The manifest has changed: a signature does not fit any more.
fn unsign(folder: &Path) -> Result<()> {
    let signature = folder.join(SIGNATURE);
    if !signature.exists() {
        return Ok(());
    }
    log::warn!("{}: sign it again with `mfn-export bundle`", folder.display());
    std::fs::remove_file(&signature).with_context(|| format!("{}: cannot be removed", signature.display()))
}
