//! `subset`: a list of some identities and some of their pictures.

use crate::cli;
use crate::prepare::{Selection, subset};
use anyhow::Result;

/// Runs the command.
pub fn run(arguments: &cli::Subset) -> Result<()> {
    let cli::Subset { identities, min_images, max_images, seed, .. } = *arguments;
    let selection = Selection { identities, min_images, max_images, seed };
    let selected = subset(&arguments.source, selection, &arguments.out)?;
    if arguments.json {
        println!("{}", serde_json::to_string(&selected)?);
        return Ok(());
    }
    println!(
        "{}: {} pictures of {} identities ({} of {} had enough pictures)",
        arguments.out.display(),
        selected.images,
        selected.identities,
        selected.fitting,
        selected.found
    );
    Ok(())
}
