//! `prepare`: aligned crops from photographs.

use super::output;
use crate::cli;
use crate::evaluate::engine::guard;
use crate::prepare::{Choice, Summary, prepare};
use anyhow::Result;
use std::path::Path;

/// Runs the command.
pub fn run(arguments: &cli::Prepare) -> Result<()> {
    let cores = super::cores();
    let choice = Choice { largest: arguments.largest, smallest: arguments.smallest };
    let threads = arguments.threads.unwrap_or(cores);
    let summary = prepare(&arguments.photos, &arguments.out, &arguments.models, &guard()?, choice, threads)?;
    if arguments.json { output::json(&summary) } else { output::text(&text(&summary, &arguments.out)) }
}

fn text(summary: &Summary, out: &Path) -> String {
    let Summary { before, photographs, crops, skipped } = summary;
    let mut text = format!("{crops} crops from {photographs} photographs; {before} had been done before\n");
    for (reason, count) in skipped {
        text += &format!("skipped {count}: {reason}\n");
    }
    text + &format!("each photograph's faces or reason: {}\n", out.join("record.jsonl").display())
}
