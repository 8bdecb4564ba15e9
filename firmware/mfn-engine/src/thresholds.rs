//! The similarities from which a recogniser's faces are taken for one person: what its manifest says was measured.

use serde::{Deserialize, Serialize};

/// Thresholds by false match rate (FMR), from non-mated comparisons of people whom training never saw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Least similarity (cosine) at which one comparison of two people in 1,000 is a false match.
    #[serde(rename = "fmr_1e-3")]
    pub fmr_1e3: f64,
    /// The same for one in 10,000.
    #[serde(rename = "fmr_1e-4")]
    pub fmr_1e4: f64,
    /// The same for one in 100,000.
    #[serde(rename = "fmr_1e-5")]
    pub fmr_1e5: f64,
    /// Non-mated comparisons that they follow from.
    pub non_mated: u64,
    /// Among so many people.
    pub people: u64,
}

impl Thresholds {
    /// Whether these can be thresholds.
    ///
    /// # Errors
    /// One sentence on what cannot be.
    pub fn check(&self) -> Result<(), String> {
        let [low, middle, high] = [self.fmr_1e3, self.fmr_1e4, self.fmr_1e5];
        // Written so that NaN is refused.
        let holds = 0.0 < low && low <= middle && middle <= high && high < 1.0;
        if !holds {
            return Err("thresholds must lie over 0, under 1, and rise from fmr_1e-3 to fmr_1e-5".into());
        }
        if self.non_mated == 0 || self.people < 2 {
            return Err("thresholds.non_mated and thresholds.people must say what they follow from".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let good = Thresholds { fmr_1e3: 0.2, fmr_1e4: 0.3, fmr_1e5: 0.4, non_mated: 1000, people: 20 };
        assert_eq!(good.check(), Ok(()));
        for bad in [
            Thresholds { fmr_1e3: 0.31, ..good },
            Thresholds { fmr_1e5: 1.0, ..good },
            Thresholds { fmr_1e3: 0.0, ..good },
            Thresholds { fmr_1e4: f64::NAN, ..good },
            Thresholds { non_mated: 0, ..good },
            Thresholds { people: 1, ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
