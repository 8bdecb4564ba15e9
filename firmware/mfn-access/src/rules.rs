//! Who may come in and when: groups with weekly time windows. Who is in no rule is not let in.

use std::collections::BTreeMap;
use std::fmt;

use mfn_template::PersonId;

/// A minute of the local week, from Monday 00:00 (0) to Sunday 23:59 (10,079).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekMinute(u16);

impl WeekMinute {
    /// Minutes in a week.
    pub const COUNT: u16 = 7 * 24 * 60;

    /// From a day (0 is Monday), hour and minute; none when one is out of range.
    #[must_use]
    pub fn new(day: u8, hour: u8, minute: u8) -> Option<WeekMinute> {
        let valid = day < 7 && hour < 24 && minute < 60;
        valid.then(|| WeekMinute((u16::from(day) * 24 + u16::from(hour)) * 60 + u16::from(minute)))
    }
}

/// When a group may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At any time, also while the wall clock is not set.
    Always,
    /// In these windows only.
    Weekly(Vec<Window>),
}

/// One window of a week: from a minute up to, but not including, another. A window whose end is not
/// after its start goes over the end of the week; equal ends are the whole week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First minute.
    pub from: WeekMinute,
    /// The minute after the last one.
    pub until: WeekMinute,
}

impl Window {
    /// Whether the minute lies in it.
    #[must_use]
    pub fn contains(&self, minute: WeekMinute) -> bool {
        if self.from < self.until {
            self.from <= minute && minute < self.until
        } else {
            self.from <= minute || minute < self.until
        }
    }
}

/// Names a group of people with one schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// What holds for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonRule {
    /// May come in when the group may.
    Member(GroupId),
    /// Stays enrolled, but may not come in.
    Disabled,
}

/// Why the rules refuse a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleRefusal {
    /// No rule for the person, or for the person's group.
    NoRule,
    /// The person is disabled.
    Disabled,
    /// Now is in none of the group's windows.
    OutsideSchedule,
    /// The group has windows, but what time it is is not known.
    ClockNotSet,
}

impl fmt::Display for RuleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RuleRefusal::NoRule => "is in no rule",
            RuleRefusal::Disabled => "is disabled",
            RuleRefusal::OutsideSchedule => "is outside the schedule",
            RuleRefusal::ClockNotSet => "has a schedule, but the clock is not set",
        })
    }
}

/// All rules of an access point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// The schedule of each group.
    pub groups: BTreeMap<GroupId, Schedule>,
    /// The rule of each person.
    pub people: BTreeMap<PersonId, PersonRule>,
}

impl AccessRules {
    /// Rules by which these people may come in at any time, and nobody else.
    #[must_use]
    pub fn always(people: impl IntoIterator<Item = PersonId>) -> AccessRules {
        let group = GroupId(0);
        AccessRules {
            groups: BTreeMap::from([(group, Schedule::Always)]),
            people: people.into_iter().map(|person| (person, PersonRule::Member(group))).collect(),
        }
    }

    /// Whether the person may come in at this time.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, person: PersonId, now: Option<WeekMinute>) -> Result<(), RuleRefusal> {
        let group = match self.people.get(&person) {
            None => return Err(RuleRefusal::NoRule),
            Some(PersonRule::Disabled) => return Err(RuleRefusal::Disabled),
            Some(PersonRule::Member(group)) => group,
        };
        match (self.groups.get(group), now) {
            (None, _) => Err(RuleRefusal::NoRule),
            (Some(Schedule::Always), _) => Ok(()),
            (Some(Schedule::Weekly(_)), None) => Err(RuleRefusal::ClockNotSet),
            (Some(Schedule::Weekly(windows)), Some(minute)) => {
                let open = windows.iter().any(|window| window.contains(minute));
                if open { Ok(()) } else { Err(RuleRefusal::OutsideSchedule) }
            }
        }
    }
}
