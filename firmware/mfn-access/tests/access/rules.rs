//! Policies that cannot be wrong, rules and schedules.

use std::collections::BTreeMap;
use std::time::Duration;

use mfn_access::{
    AccessPolicy, AccessRules, AccessSettings, Decision, DenyReason, GroupId, PersonRule, Pulse, RuleRefusal,
    Schedule, WeekMinute, Window,
};

use crate::scene::*;

fn minute(day: u8, hour: u8, minute: u8) -> WeekMinute {
    WeekMinute::new(day, hour, minute).expect("a time of the week")
}

/// Cleaners: Monday 18:00 to 20:00, and from Sunday 22:00 over midnight to Monday 02:00.
fn cleaners(person: PersonRule) -> AccessRules {
    let evening = Window { from: minute(0, 18, 0), until: minute(0, 20, 0) };
    let night = Window { from: minute(6, 22, 0), until: minute(0, 2, 0) };
    AccessRules {
        groups: BTreeMap::from([(GroupId(7), Schedule::Weekly(vec![evening, night]))]),
        people: BTreeMap::from([(ANNA, person)]),
    }
}

#[test]
fn windows_hold_from_their_first_minute_to_before_their_last_and_over_the_week_s_end() {
    let rules = cleaners(PersonRule::Member(GroupId(7)));
    let outside = Err(RuleRefusal::OutsideSchedule);
    let expected = [
        (minute(0, 17, 59), outside),
        (minute(0, 18, 0), Ok(())),
        (minute(0, 19, 59), Ok(())),
        (minute(0, 20, 0), outside),
        (minute(6, 21, 59), outside),
        (minute(6, 23, 59), Ok(())),
        (minute(0, 1, 59), Ok(())),
        (minute(0, 2, 0), outside),
        (minute(1, 18, 30), outside),
    ];
    for (time, answer) in expected {
        assert_eq!(rules.check(ANNA, Some(time)), answer, "{time:?}");
    }
}

#[test]
fn who_is_in_no_rule_is_not_let_in() {
    let rules = cleaners(PersonRule::Member(GroupId(8)));
    let now = Some(minute(0, 18, 0));
    assert_eq!(rules.check(BEN, now), Err(RuleRefusal::NoRule));
    assert_eq!(rules.check(ANNA, now), Err(RuleRefusal::NoRule), "her group has no schedule");
    assert_eq!(AccessRules::default().check(ANNA, now), Err(RuleRefusal::NoRule));
}

#[test]
fn a_schedule_needs_a_clock_and_always_needs_none() {
    let rules = cleaners(PersonRule::Member(GroupId(7)));
    assert_eq!(rules.check(ANNA, None), Err(RuleRefusal::ClockNotSet));
    assert_eq!(AccessRules::always([ANNA]).check(ANNA, None), Ok(()));
}

#[test]
fn a_refused_person_is_recognised_and_told_why() {
    for (rule, refusal) in [
        (PersonRule::Disabled, RuleRefusal::Disabled),
        (PersonRule::Member(GroupId(7)), RuleRefusal::OutsideSchedule),
    ] {
        let mut scene = Scene::with(AccessSettings::default(), cleaners(rule));
        scene.local_time = Some(minute(3, 12, 0));
        let told = Decision::Deny { reason: DenyReason::Rule(ANNA, refusal) };
        assert_eq!(scene.watch(10, &[anna()]), [told]);
    }
}

#[test]
fn there_are_no_times_outside_the_week() {
    assert!(WeekMinute::new(6, 23, 59).is_some());
    for (day, hour, minute) in [(7, 0, 0), (0, 24, 0), (0, 0, 60)] {
        assert!(WeekMinute::new(day, hour, minute).is_none());
    }
}

#[test]
fn a_policy_names_the_setting_that_is_wrong() {
    let good = AccessSettings::default();
    let hour = Duration::from_secs(3600);
    let wrong = [
        ("threshold", AccessSettings { threshold: f32::NAN, ..good.clone() }),
        ("threshold", AccessSettings { threshold: 0.0, ..good.clone() }),
        ("threshold", AccessSettings { threshold: 1.0, ..good.clone() }),
        ("margin", AccessSettings { margin: -0.1, ..good.clone() }),
        ("near_miss", AccessSettings { near_miss: 0.5, ..good.clone() }),
        ("votes", AccessSettings { votes: 0, ..good.clone() }),
        ("votes", AccessSettings { votes: 6, ..good.clone() }),
        ("window", AccessSettings { window: 33, ..good.clone() }),
        ("max_frame_gap", AccessSettings { max_frame_gap: hour, ..good.clone() }),
        ("max_frame_age", AccessSettings { max_frame_age: Duration::ZERO, ..good.clone() }),
        ("hold_off", AccessSettings { hold_off: hour, ..good.clone() }),
        ("denial_hold_off", AccessSettings { denial_hold_off: Duration::ZERO, ..good.clone() }),
        ("pulse", AccessSettings { pulse: hour, ..good.clone() }),
        ("several_people_ratio", AccessSettings { several_people_ratio: 0.0, ..good.clone() }),
        ("max_shift", AccessSettings { max_shift: f32::INFINITY, ..good.clone() }),
        ("max_growth", AccessSettings { max_growth: 0.9, ..good.clone() }),
    ];
    for (setting, settings) in wrong {
        let error = AccessPolicy::new(settings).expect_err(setting);
        assert_eq!(error.setting, setting);
        assert!(error.to_string().contains("but must be"), "{error}");
    }
    assert_eq!(AccessPolicy::new(good), Ok(AccessPolicy::default()));
}

#[test]
fn a_pulse_is_100_ms_to_30_s() {
    for (millis, fits) in [(99, false), (100, true), (30_000, true), (30_001, false)] {
        assert_eq!(Pulse::new(Duration::from_millis(millis)).is_ok(), fits, "{millis} ms");
    }
}
