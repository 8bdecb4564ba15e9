//! `subset`: a list of some identities and some of their pictures.

use super::output;
use crate::cli;
use crate::prepare::{Selected, Selection, subset};
use anyhow::Result;

/// Runs the command.
pub fn run(arguments: &cli::Subset) -> Result<()> {
    let cli::Subset { identities, min_images, max_images, seed, .. } = *arguments;
    let selection = Selection { identities, min_images, max_images, seed };
    let selected = subset(&arguments.source, selection, &arguments.out)?;
    if arguments.json {
        return output::json(&selected);
    }
    let Selected { found, fitting, identities, images } = selected;
    output::text(&format!(
        "{}: {images} pictures of {identities} identities ({fitting} of {found} had enough pictures)\n",
        arguments.out.display()
    ))
}
