//! The curve of errors against rejected pictures, as SVG.

use super::rejection::Rejected;
use crate::chart::{self, Area, Drawn};
use anyhow::Result;
use plotters::prelude::*;
use std::path::Path;

/// Draws the curve, with its 95 % interval, into `path`.
///
/// # Errors
/// When there is nothing to draw or the file cannot be written.
pub fn draw_rejection(curve: &[Rejected], title: &str, path: &Path) -> Result<()> {
    chart::write(path, (640, 400), |root| draw(root, curve, title))
}

fn draw(root: &Area<'_>, curve: &[Rejected], title: &str) -> Drawn {
    let percent = |v: f64| 100.0 * v;
    let last = curve.last().ok_or("there is no point")?.share;
    let highest = curve.iter().map(|r| r.wrong.interval()[1]).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..percent(last), 0.0..percent(highest))?;
    chart.configure_mesh().x_desc("rejected, %").y_desc("wrong of the rest, %").draw()?;
    let side = |i: usize| curve.iter().map(move |r| (percent(r.share), percent(r.wrong.interval()[i])));
    let band: Vec<(f64, f64)> = side(0).chain(side(1).collect::<Vec<_>>().into_iter().rev()).collect();
    chart.draw_series(std::iter::once(Polygon::new(band, BLUE.mix(0.15))))?;
    let line = curve.iter().map(|r| (percent(r.share), percent(r.wrong.share())));
    chart.draw_series(LineSeries::new(line, &BLUE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Rate;

    #[test]
    fn a_line_in_its_interval() {
        let point = |share, count| Rejected { share, quality: 0.1, wrong: Rate { count, trials: 100 } };
        let path = tempfile::tempdir().unwrap().keep().join("rejected.svg");
        draw_rejection(&[point(0.0, 5), point(0.5, 1)], "title", &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(svg.contains("<polyline") && svg.contains("<polygon") && svg.contains("rejected, %"));
        assert!(draw_rejection(&[], "title", &path).is_err());
    }
}
