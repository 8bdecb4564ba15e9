//! Charts as SVG files.

use crate::train::checkpoint::write_whole;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend, WHITE};
use std::path::Path;

/// What is drawn on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing gives.
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Writes what `draw` draws on a white ground of this size, whole or not at all.
///
/// # Errors
/// Those of `draw`; and when the file cannot be written.
pub fn write(path: &Path, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<()> {
    let mut svg = String::new();
    on_white(&mut svg, size, draw).map_err(|e| anyhow!("{}: could not be drawn: {e}", path.display()))?;
    write_whole(path, svg.as_bytes()).map_err(|e| anyhow!("{}: cannot be written: {e}", path.display()))
}

fn on_white(svg: &mut String, size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn {
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    draw(&root)?;
    Ok(root.present()?)
}
