//! `curve`: loss, learning rate and held-out figures of runs as one SVG picture.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const WIDTH: f64 = 760.0;
const PANEL: f64 = 220.0;
const MARGIN: [f64; 4] = [30.0, 130.0, 30.0, 60.0];
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
pub fn run(runs: &[PathBuf], out: &Path) -> Result<()> {
    let runs = runs.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    std::fs::write(out, draw(&runs)).with_context(|| format!("{}: cannot be written", out.display()))
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
    let all: Vec<(f64, f64)> = series.iter().flatten().copied().collect();
    let largest = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let (x_max, y_max) = (largest(|p| p.0).max(1.0), largest(|p| p.1).max(1e-12));
    let [above, right, below, left] = MARGIN;
    let (width, height) = (WIDTH - left - right, PANEL - above - below);
    let (y0, x) = (top + above + height, |v: f64| left + width * v / x_max);
    let y = |v: f64| y0 - height * v / y_max;
    let _ =
        writeln!(svg, "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{title}</text>", top + above - 8.0);
    let _ = writeln!(
        svg,
        "<path d=\"M{left} {}V{y0}H{}\" fill=\"none\" stroke=\"black\"/>",
        top + above,
        left + width
    );
    for part in 0..=4 {
        let (share, at) = (f64::from(part) / 4.0, f64::from(part));
        let (vx, vy) = (x_max * share, y_max * share);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 5.0,
            y(vy) + 4.0,
            short(vy)
        );
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            left + width * at / 4.0,
            y0 + 16.0,
            short(vx)
        );
    }
    for (number, (run, points)) in runs.iter().zip(&series).enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: String = points.iter().map(|(px, py)| format!("{:.1},{:.1} ", x(*px), y(*py))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            line.trim_end()
        );
        let label = format!(
            "x=\"{}\" y=\"{}\" fill=\"{colour}\"",
            left + width + 8.0,
            top + above + 14.0 * (number as f64 + 1.0)
        );
        let _ = writeln!(svg, "<text {label}>{}</text>", escape(&run.name));
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
