//! The DET curve of a labelled folder as SVG: FMR against FNMR, both logarithmic.

use super::tally::ErrorRates;
use crate::chart::{self, Area, Drawn};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

/// Draws the curve into `path`.
///
/// # Errors
/// When the file cannot be written.
pub fn draw(curve: &[ErrorRates], title: &str, path: &Path) -> Result<()> {
    let trials = |rate: super::Rate| 1.0 / (rate.trials.max(1) as f64);
    let Some(first) = curve.first() else { return Err(anyhow!("there is nothing to draw")) };
    // Below one in as many trials as there were nothing can be seen.
    let (low_x, low_y) = (trials(first.fmr) / 2.0, trials(first.fnmr) / 2.0);
    let points = thinned(curve).map(|e| (e.fmr.share().max(low_x), e.fnmr.share().max(low_y)));
    let points = points.collect();
    chart::write(path, (640, 480), |root| axes_and_line(root, title, (low_x, low_y), points))
}

/// At most about a thousand points, always with both ends.
fn thinned(curve: &[ErrorRates]) -> impl Iterator<Item = &ErrorRates> {
    let step = (curve.len() / 1000).max(1);
    curve.iter().enumerate().filter(move |(i, _)| i % step == 0 || *i + 1 == curve.len()).map(|(_, e)| e)
}

fn axes_and_line(root: &Area<'_>, title: &str, low: (f64, f64), points: Vec<(f64, f64)>) -> Drawn {
    let mut chart = ChartBuilder::on(root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((low.0..1.0).log_scale(), (low.1..1.0).log_scale())?;
    let rate = |v: &f64| format!("{v:.0e}");
    chart
        .configure_mesh()
        .x_desc("FMR")
        .y_desc("FNMR")
        .x_label_formatter(&rate)
        .y_label_formatter(&rate)
        .draw()?;
    chart.draw_series(LineSeries::new(points, &BLUE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Tally;

    #[test]
    fn a_picture_with_axes_and_a_line() {
        let mut tally = Tally::default();
        (0..100).for_each(|i| tally.add(0.5 + 0.004 * i as f32, true));
        (0..1000).for_each(|i| tally.add(0.0006 * i as f32, false));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("det.svg");
        draw(&tally.curve(), "model, folder", &path).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.contains("<polyline") && svg.contains("FNMR") && svg.trim_end().ends_with("</svg>"));
        assert!(draw(&[], "", Path::new("x")).is_err());
    }
}
