//! `prepare`: aligned crops from photographs.

use crate::cli;
use crate::evaluate::engine::guard;
use crate::prepare::{Choice, prepare};
use anyhow::Result;

/// Runs the command.
pub fn run(arguments: &cli::Prepare) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let choice = Choice { largest: arguments.largest, smallest: arguments.smallest };
    let threads = arguments.threads.unwrap_or(cores);
    let summary = prepare(&arguments.photos, &arguments.out, &arguments.models, &guard()?, choice, threads)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&summary)?);
        return Ok(());
    }
    println!(
        "{} crops from {} photographs; {} had been done before",
        summary.crops, summary.photographs, summary.before
    );
    for (reason, count) in &summary.skipped {
        println!("skipped {count}: {reason}");
    }
    println!("each photograph's faces or reason: {}", arguments.out.join("record.jsonl").display());
    Ok(())
}
