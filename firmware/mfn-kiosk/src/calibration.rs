//! The threshold that follows from measured similarities, a target and the number of people: the file that
//! `calibrate` writes and `decision.calibration` names.

use std::path::Path;

use mfn_rates::Tail;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};

/// Largest file that is read.
const LIMIT: u64 = 64 << 10;
/// A higher threshold opens for nobody; the range of `decision.threshold` ends there too.
const HIGHEST: f64 = 0.95;

/// What `calibrate` has measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// When, as text.
    pub made: String,
    /// The networks whose similarities these are.
    pub space: String,
    /// Votes of an approach (`decision.votes`).
    pub votes: u32,
    /// People behind the data.
    pub people: u64,
    /// How rare high similarities of different people are.
    pub tail: Tail,
}

impl Calibration {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no calibration.
    pub fn load(path: &Path) -> Result<Calibration, Failure> {
        let failed = |what: String| {
            let what =
                format!("calibration {}: {what}: make it with `mfn-kiosk calibrate --save`", path.display());
            Failure::new(Exit::Usage, what)
        };
        let size = path.metadata().map_err(|e| failed(format!("cannot be read: {e}")))?.len();
        if size > LIMIT {
            return Err(failed("is no calibration (too large)".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
        let read: Calibration =
            toml::from_str(&text).map_err(|e| failed(e.message().lines().collect::<Vec<_>>().join(", ")))?;
        if read.is_sound() { Ok(read) } else { Err(failed("its numbers cannot be".to_owned())) }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = format!(
            "# Made by `mfn-kiosk calibrate`; name it in decision.calibration. No personal data.\n{}",
            toml::to_string(self)?
        );
        std::fs::write(path, text)
            .map_err(|e| Failure::new(Exit::Failure, format!("{} cannot be written: {e}", path.display())))
    }

    /// Least similarity of a vote among so many people for this target.
    pub fn threshold(&self, people: usize, target: f64) -> f64 {
        self.tail.threshold(people, target).min(HIGHEST)
    }

    /// The smallest FPIR that the people behind the data can show without a single false match (rule of three).
    pub fn supported(&self) -> f64 {
        (3.0 / self.people.max(1) as f64).min(1.0)
    }

    fn is_sound(&self) -> bool {
        let Tail { start, share, excess } = self.tail;
        (-1.0..=1.0).contains(&start) && share > 0.0 && share < 1.0 && (0.0..=2.0).contains(&excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        let tail = Tail { start: 0.2, share: 0.05, excess: 0.03 };
        Calibration { made: "2026-11-25".to_owned(), space: "s".to_owned(), votes: 3, people: 60, tail }
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.toml");
        calibration().save(&path).unwrap();
        assert_eq!(Calibration::load(&path).unwrap(), calibration());
        let text = std::fs::read_to_string(&path).unwrap();
        for wrong in [
            text.replace("share = 0.05", "share = 0.0"),
            text.replace("excess = 0.03", "excess = nan"),
            text.replace("votes", "voices"),
            "no toml".to_owned(),
            "#".repeat(100_000),
        ] {
            std::fs::write(&path, wrong).unwrap();
            let what = Calibration::load(&path).unwrap_err().error.to_string();
            assert!(what.contains("calibration.toml") && !what.contains('\n'), "{what}");
        }
        assert!(Calibration::load(folder.path()).is_err());
    }

    /// 0.2 + 0.03 ln(0.05 / q); q = 0.001 for one person, 0.000100045 for ten.
    #[test]
    fn the_threshold_rises_with_the_number_of_people() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-5;
        assert!(near(calibration().threshold(1, 0.001), 0.317_361));
        assert!(near(calibration().threshold(10, 0.001), 0.386_424));
        assert_eq!(calibration().threshold(usize::MAX, 1e-300), HIGHEST);
        assert!(near(calibration().supported(), 0.05));
    }
}
