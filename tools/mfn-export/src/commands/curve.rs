//! `curve`: loss, learning rate and held-out figures of runs as one SVG picture.

use super::output;
use crate::train::checkpoint::write_whole;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const WIDTH: f64 = 760.0;
const PANEL: f64 = 220.0;
/// Of a panel, what lies above and left of its axes; and their lengths.
const ABOVE: f64 = 30.0;
const LEFT: f64 = 60.0;
const WIDE: f64 = WIDTH - LEFT - 130.0;
const HIGH: f64 = PANEL - ABOVE - 30.0;
/// Okabe and Ito's colours, which the colour-blind can tell apart.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// What each panel shows: its title and the path of the number in a line of metrics.
const PANELS: [(&str, &str); 4] = [
    ("loss", "/loss"),
    ("learning rate", "/learning_rate"),
    ("held out: share of wrong decisions", "/held_out/error"),
    ("held out: TAR at FAR 1e-3", "/held_out/tar_at_far_1e3"),
];

struct Run {
    name: String,
    lines: Vec<Value>,
}

/// Draws the runs' metrics into `out`.
pub fn run(runs: &[PathBuf], out: &Path, json: bool) -> Result<()> {
    let runs = runs.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    write_whole(out, draw(&runs).as_bytes())
        .with_context(|| format!("{}: cannot be written", out.display()))?;
    if json {
        let newest = |run: &Run| json!({ "run": run.name, "newest": run.lines.last() });
        return output::json(&json!({ "picture": out, "runs": runs.iter().map(newest).collect::<Vec<_>>() }));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Run> {
    let file = path.join("metrics.jsonl");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let lines: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    ensure!(!lines.is_empty(), "{}: there is nothing in it yet", file.display());
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Ok(Run { name, lines })
}

impl Run {
    fn points(&self, pointer: &str) -> Vec<(f64, f64)> {
        let point = |l: &Value| Some((l["images"].as_f64()?, l.pointer(pointer)?.as_f64()?));
        self.lines.iter().filter_map(point).collect()
    }
}

fn draw(runs: &[Run]) -> String {
    let height = PANEL * PANELS.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (number, (title, pointer)) in PANELS.iter().enumerate() {
        panel(&mut svg, PANEL * number as f64, title, runs, pointer);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, top: f64, title: &str, runs: &[Run], pointer: &str) {
    let series: Vec<Vec<(f64, f64)>> = runs.iter().map(|r| r.points(pointer)).collect();
    let axes = Axes::around(&series, top);
    axes.draw(svg, title);
    for (number, (run, points)) in runs.iter().zip(&series).enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: String =
            points.iter().map(|(x, y)| format!("{:.1},{:.1} ", axes.x(*x), axes.y(*y))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            line.trim_end()
        );
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
            LEFT + WIDE + 8.0,
            top + ABOVE + 14.0 * (number as f64 + 1.0),
            escape(&run.name)
        );
    }
}

/// The frame of a panel: both axes from zero to the largest value.
struct Axes {
    top: f64,
    x_max: f64,
    y_max: f64,
}

impl Axes {
    fn around(series: &[Vec<(f64, f64)>], top: f64) -> Self {
        let largest = |of: fn(&(f64, f64)) -> f64| series.iter().flatten().map(of).fold(0.0, f64::max);
        Self { top, x_max: largest(|p| p.0).max(1.0), y_max: largest(|p| p.1).max(1e-12) }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + WIDE * value / self.x_max
    }

    fn y(&self, value: f64) -> f64 {
        self.top + ABOVE + HIGH - HIGH * value / self.y_max
    }

    fn draw(&self, svg: &mut String, title: &str) {
        let (above, zero) = (self.top + ABOVE, self.y(0.0));
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{title}</text>", above - 8.0);
        let right = LEFT + WIDE;
        let _ = writeln!(svg, "<path d=\"M{LEFT} {above}V{zero}H{right}\" fill=\"none\" stroke=\"black\"/>");
        for quarter in 0..=4 {
            let share = f64::from(quarter) / 4.0;
            let (x, y) = (self.x_max * share, self.y_max * share);
            let (left, below) = (LEFT - 5.0, zero + 16.0);
            let at = self.y(y) + 4.0;
            let _ = writeln!(svg, "<text x=\"{left}\" y=\"{at:.1}\" text-anchor=\"end\">{}</text>", short(y));
            let at = self.x(x);
            let unit = if quarter == 4 { " images" } else { "" };
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{}{unit}</text>",
                short(x)
            );
        }
    }
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2}M", v / 1e6),
        v if v >= 1e4 => format!("{:.0}k", v / 1e3),
        v if v == 0.0 || v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.1e}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_gets_its_line_in_every_panel() {
        let lines = vec![
            serde_json::json!({"images": 100, "loss": 2.0, "learning_rate": 0.1}),
            serde_json::json!({"images": 200, "loss": 1.0, "learning_rate": 0.1}),
        ];
        let svg = draw(&[Run { name: "a<b".into(), lines: lines.clone() }, Run { name: "c".into(), lines }]);
        assert_eq!(svg.matches("<polyline").count(), 8);
        assert!(svg.contains("a&lt;b") && svg.ends_with("</svg>\n"));
        // The largest loss is at the top, half way along: x = 60 + 570 / 2, y = 30.
        assert!(svg.contains("points=\"345.0,30.0 630.0,110.0\""), "{svg}");
    }
}
