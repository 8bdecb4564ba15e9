//! What `calibrate` found, for people and for programs, with what the data can and cannot bear.

use mfn_rates::Rate;
use serde_json::json;

use super::measure::{Measured, spread};
use super::strangers::Strangers;
use crate::calibration::Calibration;
use crate::exit::Failure;
use crate::report;

/// Everything that is told.
pub struct Findings {
    /// People in the gallery.
    pub enrolled: usize,
    /// Those of them who were compared.
    pub compared: usize,
    /// Photographs of others.
    pub strangers: Strangers,
    /// Similarities.
    pub measured: Measured,
    /// The FPIR that is wanted.
    pub target: f64,
    /// What follows.
    pub threshold: f64,
    /// What is saved.
    pub calibration: Calibration,
}

impl Findings {
    /// Prints it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            report::json(&self.json())
        } else {
            self.lines().iter().try_for_each(|line| report::line(line))
        }
    }

    /// Each person can stand in one independent comparison of two people only.
    fn independent_pairs(&self) -> u64 {
        self.measured.people() / 2
    }

    fn rates(&self) -> [(Rate, u64); 3] {
        let (measured, threshold) = (&self.measured, self.threshold as f32);
        [
            (measured.fmr(threshold), self.independent_pairs()),
            (measured.fnmr(threshold), measured.mated_people),
            (measured.fpir(threshold), measured.people()),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let rate = |(rate, independent): (Rate, u64)| {
            json!({
                "rate": rate.share(), "count": rate.count, "trials": rate.trials,
                "independent": independent, "interval": rate.interval_over(independent),
            })
        };
        let [fmr, fnmr, fpir] = self.rates();
        json!({
            "enrolled": self.enrolled,
            "compared": self.compared,
            "strangers": self.strangers.subjects.len(),
            "photographs_skipped": self.strangers.skipped,
            "votes": self.calibration.votes,
            "target_fpir": self.target,
            "threshold": self.threshold,
            "fmr": rate(fmr),
            "fnmr": rate(fnmr),
            "fpir": rate(fpir),
            "mated": spread(&self.measured.mated),
            "non_mated": spread(&self.measured.non_mated),
            "supported_fpir": self.calibration.supported(),
            "extrapolated": self.is_extrapolated(),
            "tail": self.calibration.tail,
        })
    }

    /// The target asks for more than these people can show.
    fn is_extrapolated(&self) -> bool {
        self.target < self.calibration.supported()
    }

    fn lines(&self) -> Vec<String> {
        let [fmr, fnmr, fpir] = self.rates();
        let of = |(rate, independent): (Rate, u64)| {
            let [low, high] = rate.interval_over(independent).map(|bound| 100.0 * bound);
            format!(
                "{:.3} % [{low:.3}, {high:.3}], {} of {}, {independent} independent",
                100.0 * rate.share(),
                rate.count,
                rate.trials
            )
        };
        let votes = self.calibration.votes;
        vec![
            self.data(),
            line_of("mated, one frame (each reference against the person's other ones)", &self.measured.mated),
            line_of("non-mated, one frame (against each other person)", &self.measured.non_mated),
            line_of("non-mated, approaches (the best person for each)", &self.measured.approaches),
            format!(
                "threshold {:.3} for an FPIR of {} % an approach, {votes} votes, {} people enrolled",
                self.threshold,
                100.0 * self.target,
                self.enrolled
            ),
            format!("  FMR   {}", of(fmr)),
            format!("  FNMR  {}", of(fnmr)),
            format!("  FPIR  {} (after the vote)", of(fpir)),
            "  95 % intervals: Wilson's over independent trials, or the rule of three at 0 and 100 %".to_owned(),
            self.support(),
            "References are good pictures: the FNMR at the door is higher, and a vote misses whom fewer frames show well. \
             Photographs stand for frames: a person's frames at the door are more alike than photographs of different days."
                .to_owned(),
        ]
    }

    fn data(&self) -> String {
        let mut text = format!("{} people enrolled", self.enrolled);
        if self.compared < self.enrolled {
            text.push_str(&format!(", {} of them compared", self.compared));
        }
        let strangers = &self.strangers;
        text.push_str(&format!(
            "; {} strangers on {} photographs",
            strangers.subjects.len(),
            strangers.photographs
        ));
        if strangers.skipped > 0 {
            text.push_str(&format!(
                ", {} left out (not readable, or not exactly one face)",
                strangers.skipped
            ));
        }
        text
    }

    fn support(&self) -> String {
        let people = self.measured.people();
        let supported = 100.0 * self.calibration.supported();
        if self.is_extrapolated() {
            format!(
                "What the data can bear: {people} people without a false match show an FPIR of at most {supported:.2} % (rule of three). \
                 {} % is EXTRAPOLATED from the tail of the similarities, taken to fall off exponentially; {:.0} strangers would show it.",
                100.0 * self.target,
                (3.0 / self.target).ceil()
            )
        } else {
            format!(
                "What the data can bear: {people} people are enough to show this FPIR (rule of three: {supported:.2} %)."
            )
        }
    }
}

fn line_of(what: &str, similarities: &[f32]) -> String {
    match spread(similarities) {
        Some([low, middle, high]) => {
            format!("{what}: {} similarities, {low:.3} to {high:.3}, median {middle:.3}", similarities.len())
        }
        None => format!("{what}: none"),
    }
}
