//! `evaluate`: a model's figures on benchmarks.

use super::output;
use crate::cli;
use crate::evaluate::engine::{Engine, guard, open_model};
use crate::evaluate::report::{Format, Report, print};
use crate::evaluate::{Figures, Outcome, draw};
use crate::graph::{inspect, network_file};
use anyhow::{Context, Result};
use mfn_engine::Precision;

/// Runs the command.
pub fn run(arguments: &cli::Evaluate) -> Result<()> {
    for benchmark in &arguments.benchmarks {
        // A wrong path is found before hours are spent on the others.
        benchmark.check_path()?;
    }
    let precision = if arguments.int8 { Precision::Int8 } else { Precision::Fp32 };
    let model = open_model(&arguments.model)?.select(precision)?;
    let cores = super::cores();
    let threads = arguments.threads.unwrap_or(cores);
    let engine = Engine::open(&model, &arguments.models, threads, !arguments.no_flip, &guard()?)?;
    let mut benchmarks = Vec::new();
    for benchmark in &arguments.benchmarks {
        benchmarks.extend(benchmark.run(&engine, &arguments.gallery)?);
    }
    if let Some(folder) = &arguments.curves {
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        benchmarks.iter().try_for_each(|b| curve(b, model.name(), folder))?;
    }
    let cost = network_file(&arguments.model).and_then(|file| inspect(&file)).ok().map(|r| r.counts);
    let report = Report { cost, ..Report::of(&model, benchmarks) };
    let format = if arguments.json { Format::Json } else { arguments.format };
    output::text(&print(&report, format, arguments.paper))
}

fn curve(outcome: &Outcome, model: &str, folder: &std::path::Path) -> Result<()> {
    let Figures::Labelled(figures) = &outcome.figures else { return Ok(()) };
    draw(&figures.det, &format!("{model}, {} people", figures.people), &folder.join("det.svg"))
}
