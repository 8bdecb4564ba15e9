//! A rate with its number of trials and its 95 % interval.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// How often something happened in how many trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often.
    pub count: u64,
    /// In how many trials.
    pub trials: u64,
}

impl Rate {
    /// The share, 0 to 1; 0 where there were no trials.
    pub fn share(self) -> f64 {
        if self.trials == 0 { 0.0 } else { self.count as f64 / self.trials as f64 }
    }

    /// The 95 % interval of the share when the trials are independent of one another: Wilson's (1927), or the
    /// rule of three where it never or always happened (Hanley and Lippman-Hand 1983).
    pub fn interval(self) -> [f64; 2] {
        self.interval_over(self.trials)
    }

    /// The same interval when only so many of the trials tell something new: comparisons of a few people with
    /// one another depend on each other, and then it is the number of people.
    pub fn interval_over(self, independent: u64) -> [f64; 2] {
        let (n, p) = (independent as f64, self.share());
        if self.trials == 0 || independent == 0 {
            return [0.0, 1.0];
        }
        if self.count == 0 {
            return [0.0, (3.0 / n).min(1.0)];
        }
        if self.count == self.trials {
            return [(1.0 - 3.0 / n).max(0.0), 1.0];
        }
        let centre = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        [(centre - half) / (1.0 + Z * Z / n), (centre + half) / (1.0 + Z * Z / n)]
    }

    /// `0.12 % [0.05, 0.29] of 3000`.
    pub fn text(self) -> String {
        let [low, high] = self.interval();
        let digits = if self.trials >= 100_000 { 4 } else { 2 };
        format!(
            "{:.digits$} % [{:.digits$}, {:.digits$}] of {}",
            100.0 * self.share(),
            100.0 * low,
            100.0 * high,
            self.trials
        )
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Rate", 4)?;
        object.serialize_field("rate", &self.share())?;
        object.serialize_field("count", &self.count)?;
        object.serialize_field("trials", &self.trials)?;
        object.serialize_field("interval", &self.interval())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_out_by_hand() {
        // Wilson for 5 of 10: (0.5 + 0.19207) / 1.38415 -+ 1.95996 sqrt(0.025 + 0.0096036) / 1.38415.
        let [low, high] = Rate { count: 5, trials: 10 }.interval();
        assert!((low - 0.236_59).abs() < 1e-4 && (high - 0.763_41).abs() < 1e-4, "{low} {high}");
        // Wilson for 1 of 100, as tables have it: 0.18 % to 5.45 %.
        let [low, high] = Rate { count: 1, trials: 100 }.interval();
        assert!((low - 0.001_77).abs() < 1e-4 && (high - 0.054_49).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn the_rule_of_three_at_the_ends() {
        assert_eq!(Rate { count: 0, trials: 3000 }.interval(), [0.0, 0.001]);
        assert_eq!(Rate { count: 3000, trials: 3000 }.interval(), [0.999, 1.0]);
        assert_eq!(Rate { count: 0, trials: 2 }.interval(), [0.0, 1.0]);
        assert_eq!(Rate { count: 0, trials: 0 }.interval(), [0.0, 1.0]);
    }

    /// 100 comparisons of 10 people say no more than 10 trials.
    #[test]
    fn dependent_trials_widen_the_interval() {
        let interval = |count, trials, independent| Rate { count, trials }.interval_over(independent);
        assert_eq!(interval(50, 100, 10), Rate { count: 5, trials: 10 }.interval());
        assert_eq!(interval(0, 9000, 30), [0.0, 0.1]);
        assert_eq!(interval(0, 5, 0), [0.0, 1.0]);
    }
}
