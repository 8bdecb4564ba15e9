//! Outcomes as text, Markdown, CSV and JSON.

use super::outcome::{Figures, LabelledFigures, Outcome, PairFigures};
use super::{TarAtFar, paper};
use mfn_engine::ModelFolder;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How the outcome is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: a line or more a benchmark, with trials and intervals.
    Text,
    /// A table like the paper's.
    Markdown,
    /// The same table for spreadsheets.
    Csv,
    /// One object with one object a benchmark.
    Json,
}

/// A model with its outcomes.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// `fp32` or `int8`.
    pub precision: String,
    /// SHA-256 of the network's file.
    pub network_sha256: String,
    /// Its cost, where the network is one that this program counts.
    pub cost: Option<crate::arch::Counts>,
    /// One object a benchmark.
    pub benchmarks: Vec<Outcome>,
}

impl Report {
    /// What `benchmarks` gave for the network that `model` has selected; its cost is not counted.
    pub fn of(model: &ModelFolder, benchmarks: Vec<Outcome>) -> Report {
        Report {
            model: model.name().to_string(),
            precision: format!("{:?}", model.precision()).to_lowercase(),
            network_sha256: model.network_sha256().to_string(),
            cost: None,
            benchmarks,
        }
    }
}

/// Prints a report; with `with_paper` the paper's rows stand in the table too.
pub fn print(report: &Report, format: Format, with_paper: bool) -> String {
    match format {
        Format::Json => serde_json::to_string(report).unwrap_or_default() + "\n",
        Format::Markdown => markdown(&table(report, with_paper), with_paper),
        Format::Csv => csv(&table(report, with_paper)),
        Format::Text => {
            let mut out = text(report);
            if with_paper {
                let _ = writeln!(out, "\n{}", markdown(&table(report, true), true));
            }
            out
        }
    }
}

/// The rows of a table, the first being its header.
fn table(report: &Report, with_paper: bool) -> Vec<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for (column, figure) in report.benchmarks.iter().flat_map(cells) {
        columns.push(column.clone());
        own.insert(column, format!("{figure:.2}"));
    }
    columns.extend(["mflops", "size-mb", "params"].map(String::from));
    if let Some(cost) = &report.cost {
        own.insert("mflops".into(), format!("{:.2}", cost.thop as f64 / 1e6));
        own.insert("size-mb".into(), format!("{:.2}", cost.folded_bytes as f64 / 1e6));
        own.insert("params".into(), format!("{:.2}M", cost.parameters as f64 / 1e6));
    }
    let row = |model: &str, figures: &BTreeMap<String, String>| {
        let cell = |c: &String| figures.get(c).cloned().unwrap_or_else(|| "-".into());
        std::iter::once(model.to_string()).chain(columns.iter().map(cell)).collect::<Vec<_>>()
    };
    let header = std::iter::once("model".to_string()).chain(columns.iter().cloned()).collect();
    let mut rows = vec![header, row(&report.model, &own)];
    if with_paper {
        rows.extend(paper::rows().iter().map(|(model, figures)| row(model, figures)));
    }
    rows
}

/// Column and figure in per cent: as the field prints them, with mirror images where there are such.
fn cells(outcome: &Outcome) -> Vec<(String, f64)> {
    let name = outcome.name.clone();
    let fars = |list: &[TarAtFar]| {
        list.iter().map(|t| (format!("{name}-far-{:e}", t.far), 100.0 * t.tar)).collect::<Vec<_>>()
    };
    match &outcome.figures {
        Figures::Pairs(f) => vec![(name, f.flip.as_deref().unwrap_or(f).accuracy_percent)],
        Figures::Groups(f) => vec![("rfw-average".into(), f.average_percent)],
        Figures::Ranks(f) => vec![
            ("tinyface-rank-1".into(), 100.0 * f.rank_1.share()),
            ("tinyface-rank-5".into(), 100.0 * f.rank_5.share()),
        ],
        Figures::Templates(f) => fars(&f.tar_at_far),
        Figures::Labelled(f) => fars(&f.tar_at_far),
    }
}

fn markdown(rows: &[Vec<String>], with_paper: bool) -> String {
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let _ = writeln!(out, "| {} |", row.join(" | "));
        if number == 0 {
            let _ = writeln!(out, "|{}", " --- |".repeat(row.len()));
        }
    }
    if with_paper {
        let _ = writeln!(out, "\n{}", paper::REMARK);
    }
    out
}

fn csv(rows: &[Vec<String>]) -> String {
    let quoted = |cell: &String| {
        if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect()
}

fn text(report: &Report) -> String {
    let mut out = format!("{} ({})\n", report.model, report.precision);
    for outcome in &report.benchmarks {
        let _ = writeln!(out, "{}", outcome.name);
        let lines = match &outcome.figures {
            Figures::Pairs(f) => pair_lines(f),
            Figures::Groups(f) => format!(
                "  average {:.2} %, standard deviation {:.2} %, skewed error ratio {:.2}\n",
                f.average_percent, f.group_std_percent, f.skewed_error_ratio
            ),
            Figures::Ranks(f) => format!(
                "  rank 1 {}\n  rank 5 {}\n  gallery of {} pictures\n",
                f.rank_1.text(),
                f.rank_5.text(),
                f.gallery
            ),
            Figures::Templates(f) => {
                format!("  {} comparisons of {} templates\n", f.pairs, f.templates)
                    + &far_lines(&f.tar_at_far)
            }
            Figures::Labelled(f) => labelled_lines(f),
        };
        out += &lines;
        out += &missed_lines(&outcome.faces_not_found);
    }
    out
}

fn pair_lines(figures: &PairFigures) -> String {
    let one = |f: &PairFigures| {
        let [low, high] = f.interval;
        format!(
            "{:.2} +- {:.2} % [{low:.2}, {high:.2}] of {} pairs, threshold {:.3}\n",
            f.accuracy_percent, f.accuracy_std_percent, f.pairs, f.mean_threshold
        ) + &far_lines(&f.tar_at_far)
    };
    let mut out = format!("  10-fold rule            {}", one(figures));
    if let Some(flip) = &figures.flip {
        out += &format!("  with mirror images      {}", one(flip));
    }
    out
}

fn far_lines(list: &[TarAtFar]) -> String {
    let line = |t: &TarAtFar| {
        let [low, high] = t.interval.map(|v| 100.0 * v);
        format!(
            "  TAR at FAR {:<8e}     {:.2} % [{low:.2}, {high:.2}] of {} mated, {} non-mated, threshold {:.3}\n",
            t.far,
            100.0 * t.tar,
            t.mated,
            t.non_mated,
            t.threshold
        )
    };
    list.iter().map(line).collect()
}

fn labelled_lines(figures: &LabelledFigures) -> String {
    let mut out = format!("  {} pictures of {} people\n", figures.pictures, figures.people);
    out += &far_lines(&figures.tar_at_far);
    let _ = writeln!(
        out,
        "  FMR = FNMR at {:.3}       FMR {}, FNMR {}",
        figures.equal_error_threshold,
        figures.equal_error_fmr.text(),
        figures.equal_error_fnmr.text()
    );
    for f in &figures.open_set {
        let _ = writeln!(
            out,
            "  {} enrolled, FPIR {}: FNIR {}, threshold {:.3}",
            f.enrolled,
            f.fpir.text(),
            f.fnir.text(),
            f.threshold
        );
    }
    out
}

fn missed_lines(missed: &[String]) -> String {
    if missed.is_empty() {
        return String::new();
    }
    let named: Vec<&str> = missed.iter().take(10).map(String::as_str).collect();
    let more = if missed.len() > 10 { ", ..." } else { "" };
    format!("  no face found in {}: {}{more}\n", missed.len(), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::folds::Folded;
    use crate::evaluate::outcome::pair_figures;
    use crate::metrics::Scored;

    fn report() -> Report {
        let of = |score, mated, fold| Folded { scored: Scored { score, mated }, fold, quality: None };
        let pairs: Vec<Folded> =
            (0..2).flat_map(|fold| [of(0.8, true, fold), of(0.1, false, fold)]).collect();
        let outcome = Outcome {
            name: "lfw".into(),
            figures: Figures::Pairs(pair_figures(&pairs).unwrap()),
            faces_not_found: vec!["a/a_0001.jpg".into()],
        };
        let cost = Some(crate::arch::Architecture::MobileFaceNet.counts());
        let model = "a, \"b\"".to_string();
        Report {
            model,
            precision: "fp32".into(),
            network_sha256: "00".into(),
            cost,
            benchmarks: vec![outcome],
        }
    }

    #[test]
    fn json_has_one_object_a_benchmark() {
        let json: serde_json::Value = serde_json::from_str(&print(&report(), Format::Json, false)).unwrap();
        let lfw = &json["benchmarks"][0];
        assert_eq!((lfw["name"].as_str(), lfw["pairs"].as_u64()), (Some("lfw"), Some(4)));
        assert_eq!(lfw["accuracy_percent"], 100.0);
        assert_eq!(lfw["accuracy_std_percent"], 0.0);
        assert_eq!(lfw["interval"][1], 100.0);
        assert!(lfw["tar_at_far"].is_array());
    }

    #[test]
    fn tables_have_the_papers_rows_beside() {
        let csv = print(&report(), Format::Csv, true);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[0], "model,lfw,mflops,size-mb,params");
        assert_eq!(lines[1], "\"a, \"\"b\"\"\",100.00,236.75,4.76,1.20M");
        assert_eq!(lines[4], "MobileFaceNet-SAM V1,99.55,236.75,4.4,1.1M");
        assert!(print(&report(), Format::Markdown, false).starts_with("| model | lfw |"));
    }

    #[test]
    fn text_names_pictures_without_a_face() {
        let text = print(&report(), Format::Text, false);
        assert!(text.contains("no face found in 1: a/a_0001.jpg") && text.contains("of 4 pairs"), "{text}");
    }
}
