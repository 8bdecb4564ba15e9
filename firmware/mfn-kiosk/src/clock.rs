//! The wall clock, for schedules and validity: boards without a battery start in the past.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{Datelike, Local, Timelike};
use mfn_access::WeekMinute;

/// 2026-01-01: this program is younger, so an earlier clock is not set.
const OLDEST: Duration = Duration::from_secs(1_767_225_600);
/// The year 2400: after every validity.
const END: Duration = Duration::from_secs(13_569_465_600);

/// The minute of the local week; none while the clock is not set.
pub fn week_minute() -> Option<WeekMinute> {
    is_set(SystemTime::now()).then(|| {
        let now = Local::now();
        WeekMinute::new(now.weekday().num_days_from_monday() as u8, now.hour() as u8, now.minute() as u8)
    })?
}

/// The time by which people's validity is judged. A clock that is not set counts as the end of everything
/// that ends: who may come in until a date must not come in for ever because a battery is empty.
pub fn validity_time() -> SystemTime {
    judged(SystemTime::now())
}

/// Whether the clock was set since the board's start.
pub fn is_set(now: SystemTime) -> bool {
    now >= UNIX_EPOCH + OLDEST
}

fn judged(now: SystemTime) -> SystemTime {
    if is_set(now) { now } else { UNIX_EPOCH + END }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_gallery::Metadata;

    #[test]
    fn a_clock_that_is_not_set_ends_every_validity() {
        let just_started = UNIX_EPOCH + Duration::from_secs(40);
        let limited = Metadata { valid_until: Some(1_800_000_000), ..Metadata::default() };
        assert!(!limited.valid_at(judged(just_started)));
        assert!(Metadata::default().valid_at(judged(just_started)));
        let later = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        assert!(limited.valid_at(judged(later)));
        assert!(is_set(SystemTime::now()) && week_minute().is_some());
    }
}
