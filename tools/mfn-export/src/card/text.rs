//! The figures as Markdown.

use super::levels::Level;
use super::rejection::Rejected;
use crate::evaluate::{Rate, Tally};
use crate::quantise::Cost;
use std::collections::BTreeMap;
use std::fmt::Write;

/// All that a card says.
pub struct Card {
    /// The model's name.
    pub model: String,
    /// SHA-256 of its fp32 network.
    pub network_sha256: String,
    /// The command that makes it again.
    pub command: String,
    /// Crops of the people whom training never saw.
    pub crops: usize,
    /// How many people they are.
    pub people: u64,
    /// Thresholds with what was seen there.
    pub levels: [Level; 3],
    /// The comparisons within each source.
    pub sources: BTreeMap<String, Tally>,
    /// The benchmarks' report, as text.
    pub benchmarks: String,
    /// Errors against rejected pairs, by benchmark.
    pub rejections: Vec<(String, Vec<Rejected>)>,
    /// What int8 costs on the same crops, if there is an int8 network.
    pub int8: Option<Cost>,
}

/// The Markdown.
pub fn text(card: &Card) -> String {
    let mut out = format!(
        "# Figures of {}\nNetwork {}. Made by\n\n    {}\n",
        card.model, card.network_sha256, card.command
    );
    out += &people(card);
    out += &sources(card);
    if !card.benchmarks.is_empty() {
        let _ = write!(out, "\n## Benchmarks\n\n```text\n{}```\n", card.benchmarks);
    }
    for (name, curve) in card.rejections.iter().filter(|(_, curve)| !curve.is_empty()) {
        out += &rejected(name, curve);
    }
    if let Some(cost) = &card.int8 {
        out += &int8(cost);
    }
    out
}

fn people(card: &Card) -> String {
    let rates = card.levels[0].rates;
    let mut out = format!(
        "\n## People whom training never saw\n{} crops of {} people: {} mated and {} non-mated comparisons. \
         Intervals are 95 %, over people (FNMR) and over pairs of people (FMR), not over comparisons: those of the \
         same people depend on each other.\n\n\
         | FMR wanted | threshold | FMR there | FNMR there |\n| --- | --- | --- | --- |\n",
        card.crops, card.people, rates.fnmr.trials, rates.fmr.trials
    );
    for level in &card.levels {
        let mark = if level.extrapolated { ", extrapolated" } else { "" };
        let _ = writeln!(
            out,
            "| {:e} | {:.4}{mark} | {} | {} |",
            level.wanted,
            level.rates.threshold,
            rate(level.rates.fmr, card.people * (card.people - 1) / 2),
            rate(level.rates.fnmr, card.people)
        );
    }
    out + "\nWhere fewer than three false matches can be expected the threshold follows from the tail of the \
           similarities, with the upper 95 % limit of its slope.\n\n![DET curve](det.svg)\n"
}

fn sources(card: &Card) -> String {
    let Level { wanted, rates, .. } = card.levels[1];
    let mut out = format!(
        "\n## By source, at the threshold for {wanted:e}\nComparisons of two faces of one source.\n\n\
         | source | FMR | FNMR |\n| --- | --- | --- |\n"
    );
    for (name, tally) in &card.sources {
        let at = tally.at(rates.threshold);
        let _ = writeln!(out, "| {name} | {} | {} |", at.fmr.text(), at.fnmr.text());
    }
    out
}

fn rejected(name: &str, curve: &[Rejected]) -> String {
    let mut out = format!(
        "\n## {name}: wrong decisions against rejected pairs\nThe quality score of the worse face decides.\n\n\
         | rejected | quality from | wrong of the rest |\n| --- | --- | --- |\n"
    );
    for point in curve {
        let _ =
            writeln!(out, "| {:.0} % | {:.2} | {} |", 100.0 * point.share, point.quality, point.wrong.text());
    }
    let _ = write!(out, "\n![wrong decisions against rejected pairs](rejected-{name}.svg)\n");
    out
}

fn int8(cost: &Cost) -> String {
    let mut out = format!(
        "\n## int8 against fp32, on the same crops\nCosine of the templates: mean {:.5}, lowest {:.5}, of {} crops.",
        cost.cosine_mean, cost.cosine_worst, cost.faces
    );
    if let Some(pairs) = &cost.pairs {
        let all = (pairs.mated + pairs.non_mated) as u64;
        let changed = Rate { count: pairs.changed as u64, trials: all };
        let _ = write!(
            out,
            " Decisions that change at an FMR of 1e-3: {}; wrong before and after: {:.3} and {:.3} %.",
            changed.text(),
            pairs.error_fp32_percent,
            pairs.error_int8_percent
        );
    }
    out + "\n"
}

fn rate(rate: Rate, independent: u64) -> String {
    let [low, high] = rate.interval_over(independent).map(|v| 100.0 * v);
    format!("{:.4} % [{low:.2}, {high:.2}]", 100.0 * rate.share())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::ErrorRates;

    #[test]
    fn every_part_is_there() {
        let rates = ErrorRates {
            threshold: 0.3125,
            fmr: Rate { count: 17, trials: 170_000 },
            fnmr: Rate { count: 30, trials: 300 },
        };
        let level = |wanted, extrapolated| Level { wanted, extrapolated, rates };
        let point = Rejected { share: 0.1, quality: 0.2, wrong: Rate { count: 3, trials: 90 } };
        let card = Card {
            model: "m".into(),
            network_sha256: "ab".into(),
            command: "mfn-export card m".into(),
            crops: 600,
            people: 70,
            levels: [level(1e-3, false), level(1e-4, false), level(1e-5, true)],
            sources: BTreeMap::from([("celeba".into(), Tally::default())]),
            benchmarks: "lfw\n".into(),
            rejections: vec![("lfw".into(), vec![point]), ("bin".into(), vec![])],
            int8: None,
        };
        let text = text(&card);
        for wanted in [
            "600 crops of 70 people: 300 mated and 170000 non-mated",
            "| 1e-5 | 0.3125, extrapolated | 0.0100 %",
            "| celeba |",
            "| 10 % | 0.20 | 3.33 %",
            "rejected-lfw.svg",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in {text}");
        }
        assert!(!text.contains("int8") && !text.contains("rejected-bin"));
    }
}
