//! When the next picture of a file is due. Pure: the time is given.

use std::time::Duration;

/// Spaces pictures by a period. A reader who comes late gets the next picture at once; one who missed a
/// whole period or more starts anew from there, so that no burst makes up for lost time.
#[derive(Clone, Debug)]
pub struct Pacer {
    period: Duration,
    due: Option<Duration>,
}

impl Pacer {
    /// One picture a period; zero for no waiting at all.
    pub fn new(period: Duration) -> Pacer {
        Pacer { period, due: None }
    }

    /// How long to wait from `now` on before the next picture is shown.
    pub fn wait(&mut self, now: Duration) -> Duration {
        let due = self.due.map_or(now, |last| last + self.period);
        let due = if now > due + self.period { now } else { due };
        self.due = Some(due);
        due.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn small_delays_do_not_add_up() {
        let mut pacer = Pacer::new(40 * MS);
        assert_eq!(pacer.wait(100 * MS), Duration::ZERO);
        assert_eq!(pacer.wait(105 * MS), 35 * MS);
        assert_eq!(pacer.wait(190 * MS), Duration::ZERO, "10 ms late: shown at once");
        assert_eq!(pacer.wait(191 * MS), 29 * MS, "and the next one is in time again");
    }

    #[test]
    fn a_long_break_starts_anew() {
        let mut pacer = Pacer::new(40 * MS);
        pacer.wait(Duration::ZERO);
        assert_eq!(pacer.wait(1000 * MS), Duration::ZERO);
        assert_eq!(pacer.wait(1001 * MS), 39 * MS);
    }

    proptest! {
        #[test]
        fn never_more_pictures_than_the_pace_allows(gaps in prop::collection::vec(0u64..200, 1..50), period in 0u64..100) {
            let mut pacer = Pacer::new(period as u32 * MS);
            let mut now = Duration::ZERO;
            for gap in &gaps {
                now += *gap as u32 * MS;
                let wait = pacer.wait(now);
                prop_assert!(wait <= period as u32 * MS);
                now += wait;
            }
            // A reader who is late by less than a period is allowed to catch that up.
            let shown = gaps.len() as u64 - 1;
            prop_assert!(now + period as u32 * MS >= (shown * period) as u32 * MS);
        }
    }
}
