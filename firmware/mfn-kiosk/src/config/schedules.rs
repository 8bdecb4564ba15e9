//! Weekly hours of groups: `decision.schedules`, checked.

use std::collections::BTreeMap;

use mfn_access::{AccessRules, GroupId, PersonRule, Schedule, WeekMinute, Window};
use mfn_gallery::Group;
use mfn_template::PersonId;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The group of everybody who has none.
const NO_GROUP: GroupId = GroupId(0);

/// When each group may come in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedules(BTreeMap<String, Schedule>);

impl Schedules {
    /// Reads lines such as `cleaners: mon-fri 06:00-09:00, sat 10:00-12:00` and `staff: always`.
    ///
    /// # Errors
    /// The line that is wrong, and why.
    pub fn parse(lines: &[String]) -> Result<Schedules, String> {
        let mut groups = BTreeMap::new();
        for line in lines {
            let wrong = |what: &str| format!("{line:?}: {what}");
            let (group, windows) =
                line.split_once(": ").ok_or_else(|| wrong("write GROUP: DAYS HH:MM-HH:MM, ..."))?;
            let group = Group::new(group.trim()).map_err(|e| wrong(&e.to_string()))?;
            let schedule = schedule(windows).map_err(|what| wrong(&what))?;
            if groups.insert(group.as_str().to_owned(), schedule).is_some() {
                return Err(wrong("the group has two lines"));
            }
        }
        Ok(Schedules(groups))
    }

    /// The rules for these people. Without any schedule everybody may come in at any time. With one, who has
    /// no group may, and who is in a group that has no line may not: a misspelt group opens nothing.
    pub fn rules<'a>(&self, people: impl Iterator<Item = (PersonId, Option<&'a str>)>) -> AccessRules {
        let mut groups = BTreeMap::from([(NO_GROUP, Schedule::Always)]);
        let numbered = (1..).map(GroupId).zip(self.0.values().cloned());
        groups.extend(numbered);
        let number = |group: Option<&str>| match group {
            Some(name) if !self.0.is_empty() => {
                let place = self.0.keys().position(|known| known == name);
                // One past the last: a group without a schedule.
                GroupId(1 + place.unwrap_or(self.0.len()) as u32)
            }
            _ => NO_GROUP,
        };
        let people = people.map(|(person, group)| (person, PersonRule::Member(number(group)))).collect();
        AccessRules { groups, people }
    }
}

fn schedule(windows: &str) -> Result<Schedule, String> {
    if windows.trim() == "always" {
        return Ok(Schedule::Always);
    }
    let mut all = Vec::new();
    for text in windows.split(',') {
        let mut words = text.split_whitespace();
        let (Some(days), Some(hours), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("{:?} is no window: write mon-fri 06:00-09:00", text.trim()));
        };
        let (first, last) = match days.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(days)?, day(days)?),
        };
        let (from, until) = hours.split_once('-').ok_or_else(|| format!("{hours:?} are no hours"))?;
        let count = (last + 7 - first) % 7 + 1;
        for day in (first..first + count).map(|day| day % 7) {
            all.push(window(day, from, until)?);
        }
    }
    Ok(Schedule::Weekly(all))
}

/// An end that is not after the beginning is on the next day; 24:00 is midnight.
fn window(day: u8, from: &str, until: &str) -> Result<Window, String> {
    let (from, until) = (minutes(from)?, minutes(until)?);
    if from >= 24 * 60 || from == until {
        return Err("a window begins before 24:00 and has a length".to_owned());
    }
    let next_day = u16::from(until <= from || until == 24 * 60);
    let minute = |day: u8, minutes: u16| {
        WeekMinute::new(day % 7, (minutes / 60 % 24) as u8, (minutes % 60) as u8)
            .ok_or_else(|| "no such time".to_owned())
    };
    Ok(Window { from: minute(day, from)?, until: minute(day + next_day as u8, until)? })
}

fn day(text: &str) -> Result<u8, String> {
    let place = DAYS.iter().position(|day| text.eq_ignore_ascii_case(day));
    place.map(|i| i as u8).ok_or_else(|| format!("{text:?} is no day: write {}", DAYS.join(", ")))
}

/// Minutes since midnight, up to 24:00.
fn minutes(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is no time: write 06:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2);
    let (Some(hour), Some(minute)) = (number(hour), number(minute)) else { return Err(wrong()) };
    let valid = minute < 60 && hour * 60 + minute <= 24 * 60;
    if valid { Ok(hour * 60 + minute) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_access::RuleRefusal;

    fn parse(lines: &[&str]) -> Result<Schedules, String> {
        Schedules::parse(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    fn at(day: u8, hour: u8, minute: u8) -> Option<WeekMinute> {
        Some(WeekMinute::new(day, hour, minute).unwrap())
    }

    #[test]
    fn windows_mean_what_they_say() {
        let schedules = parse(&["cleaners: mon-fri 06:00-09:00, SAT 22:00-02:00, sun 20:00-24:00"]).unwrap();
        let person = PersonId(1);
        let rules = schedules.rules([(person, Some("cleaners"))].into_iter());
        let allowed = |day, hour, minute| rules.check(person, at(day, hour, minute)).is_ok();
        assert!(allowed(0, 6, 0) && allowed(4, 8, 59) && !allowed(4, 9, 0) && !allowed(0, 5, 59));
        assert!(!allowed(5, 6, 0) && allowed(5, 22, 0) && allowed(6, 1, 59) && !allowed(6, 2, 0));
        assert!(allowed(6, 23, 59) && !allowed(0, 0, 0));
        assert_eq!(rules.check(person, None), Err(RuleRefusal::ClockNotSet));
    }

    #[test]
    fn a_range_of_days_goes_over_the_end_of_the_week() {
        let rules = parse(&["g: sat-mon 10:00-11:00"]).unwrap().rules([(PersonId(1), Some("g"))].into_iter());
        let allowed: Vec<u8> =
            (0..7).filter(|day| rules.check(PersonId(1), at(*day, 10, 30)).is_ok()).collect();
        assert_eq!(allowed, [0, 5, 6]);
    }

    #[test]
    fn who_has_no_group_comes_in_and_who_is_in_an_unknown_one_does_not() {
        let people = [(PersonId(1), None), (PersonId(2), Some("staff")), (PersonId(3), Some("staf"))];
        let rules = parse(&["staff: always"]).unwrap().rules(people.into_iter());
        assert_eq!(rules.check(PersonId(1), None), Ok(()));
        assert_eq!(rules.check(PersonId(2), None), Ok(()));
        assert_eq!(rules.check(PersonId(3), None), Err(RuleRefusal::NoRule));
        assert_eq!(rules.check(PersonId(4), None), Err(RuleRefusal::NoRule));
        let none = Schedules::default().rules(people.into_iter());
        assert_eq!(none.check(PersonId(3), None), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, word) in [
            ("cleaners", "GROUP"),
            ("cleaners: fry 06:00-09:00", "fry"),
            ("cleaners: mon 6:00-09:00", "6:00"),
            ("cleaners: mon 06:00", "06:00"),
            ("cleaners: mon 09:00-09:00", "length"),
            ("cleaners: mon 24:01-25:00", "24:01"),
            ("cleaners: mon", "no window"),
            ("a/b: always", "slash"),
        ] {
            let what = parse(&[line]).unwrap_err();
            assert!(what.contains(word), "{what}");
        }
        assert!(parse(&["g: always", "g: always"]).unwrap_err().contains("two lines"));
    }
}
