//! Dates on the command line and in lists, in local time.

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone};

/// What is wrong with a date.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no date: use 2027-01-31, 2027-01-31T17:30 (local time), 2027-01-31T17:30:00Z, or none")]
pub struct DateError(String);

/// Seconds since 1970 of a date; none for `none`. A day is its beginning in local time; where a clock change
/// gives a time twice the first is meant, where it skips it there is no such time.
///
/// # Errors
/// It is no date, or one before 1970.
pub fn parse(text: &str) -> Result<Option<u64>, DateError> {
    if text == "none" {
        return Ok(None);
    }
    let seconds = whole(text).or_else(|| local(text));
    let shown = || DateError(text.chars().filter(|c| !c.is_control()).take(40).collect());
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Some).ok_or_else(shown)
}

/// A date for people, in local time.
pub fn show(unix: u64) -> String {
    let time = i64::try_from(unix).ok().and_then(|seconds| Local.timestamp_opt(seconds, 0).single());
    time.map_or_else(|| unix.to_string(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

fn whole(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

fn local(text: &str) -> Option<i64> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let minute = || NaiveDateTime::parse_from_str(&text.replace(' ', "T"), "%Y-%m-%dT%H:%M").ok();
    let time = day().or_else(minute)?;
    Some(Local.from_local_datetime(&time).earliest()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_with_a_zone_are_exact() {
        // `date -u -d 2027-01-31T17:30:00Z +%s`
        assert_eq!(parse("2027-01-31T17:30:00Z"), Ok(Some(1_801_416_600)));
        assert_eq!(parse("2027-01-31T18:30:00+01:00"), Ok(Some(1_801_416_600)));
        assert_eq!(parse("none"), Ok(None));
    }

    #[test]
    fn local_dates_are_shown_as_they_were_given() {
        for text in ["2027-01-31 00:00", "2031-07-01 17:30"] {
            assert_eq!(show(parse(text).unwrap().unwrap()), text);
        }
        assert_eq!(parse("2027-01-31"), parse("2027-01-31T00:00"));
    }

    #[test]
    fn others_are_refused() {
        for text in
            ["", "tomorrow", "2027-02-30", "31.01.2027", "2027-01-31T25:00", "1969-01-01", "2027-1-1x"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
