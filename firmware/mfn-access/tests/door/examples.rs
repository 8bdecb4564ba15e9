//! What happens at a door, one story a test.

use mfn_access::{DoorEvent, DoorInput, DoorPolicy, DoorSettings, Fault, Line};

use crate::world::*;

#[test]
fn the_line_is_off_at_start() {
    let mut world = World::new();
    assert_eq!(world.machine.line(), Line::Off);
    assert_eq!(world.step(DoorInput::Tick).line, Line::Off);
}

#[test]
fn a_grant_is_on_for_its_pulse() {
    let mut world = World::alive();
    let output = world.step(open(1000));
    assert_eq!((output.line, output.events), (Line::On, vec![DoorEvent::Granted]));
    assert_eq!(world.live(900), 900);
    assert_eq!(world.after(99, DoorInput::Tick).line, Line::On);
    let output = world.after(1, DoorInput::Tick);
    assert_eq!((output.line, output.events), (Line::Off, vec![DoorEvent::LineOff]));
}

#[test]
fn the_next_call_is_due_at_the_end_of_the_pulse() {
    let mut world = World::alive();
    assert_eq!(world.step(open(300)).next, Some(ms(START + 300)));
}

#[test]
fn no_command_is_obeyed_before_the_first_heartbeat() {
    let mut world = World::new();
    let output = world.step(open(1000));
    assert_eq!((output.line, output.events), (Line::Off, vec![DoorEvent::CommandRefused]));
}

#[test]
fn a_second_grant_lengthens_the_pulse_only_up_to_the_longest() {
    let mut world = World::alive();
    world.step(open(3000));
    assert_eq!(world.live(2500), 2500);
    world.step(open(5000));
    assert_eq!(world.live(2400), 2400);
    assert_eq!(world.live(1000), 0);
}

#[test]
fn a_shorter_second_grant_does_not_shorten_the_first() {
    let mut world = World::alive();
    world.step(open(3000));
    world.live(500);
    world.step(open(100));
    assert_eq!(world.live(2400), 2400);
}

#[test]
fn commands_without_end_leave_breaks_in_the_line() {
    let mut world = World::alive();
    let mut on = 0;
    for _ in 0..600 {
        world.after(100, DoorInput::Heartbeat);
        on = if world.step(open(1000)).line == Line::On { on + 100 } else { 0 };
        assert!(on <= 5000);
    }
}

#[test]
fn close_ends_the_pulse() {
    let mut world = World::alive();
    world.step(open(1000));
    assert_eq!(world.after(10, CLOSE).line, Line::Off);
}

#[test]
fn a_killed_kiosk_closes_the_door_within_a_second() {
    let mut world = World::alive();
    world.step(open(5000));
    let output = world.after(500, DoorInput::Tick);
    assert_eq!((output.line, output.events), (Line::Off, vec![DoorEvent::KioskLost, DoorEvent::LineOff]));
    let mut world = World::alive();
    world.step(open(5000));
    assert_eq!(world.after(1, DoorInput::KioskGone).line, Line::Off);
}

#[test]
fn a_fault_closes_and_needs_a_heartbeat_before_the_next_grant() {
    let mut world = World::alive();
    world.step(open(1000));
    let output = world.after(10, DoorInput::Fault(Fault::Recogniser));
    let events = vec![DoorEvent::Failed(Fault::Recogniser), DoorEvent::LineOff];
    assert_eq!((output.line, output.events), (Line::Off, events));
    assert_eq!(world.after(10, DoorInput::Fault(Fault::Recogniser)).events, [], "told once");
    assert_eq!(world.after(500, open(1000)).line, Line::Off);
    world.step(DoorInput::Heartbeat);
    assert_eq!(world.step(open(1000)).line, Line::On);
}

#[test]
fn exit_needs_no_kiosk() {
    let mut world = World::new();
    let output = world.press_exit();
    assert_eq!((output.line, output.events), (Line::On, vec![DoorEvent::ExitServed]));
    assert_eq!(world.after(2999, DoorInput::Tick).line, Line::On);
    assert_eq!(world.after(1, DoorInput::Tick).line, Line::Off);
}

#[test]
fn exit_is_served_during_a_fault_and_outlives_it() {
    let mut world = World::alive();
    world.step(DoorInput::Fault(Fault::Camera));
    assert_eq!(world.press_exit().line, Line::On);
    assert_eq!(world.after(10, DoorInput::Fault(Fault::Gallery)).line, Line::On);
    assert_eq!(world.after(3000, DoorInput::Tick).line, Line::Off);
}

#[test]
fn exit_in_the_last_moment_of_a_grant_gets_its_full_pulse() {
    let mut world = World::alive();
    world.step(open(1000));
    world.live(900);
    world.press_exit();
    assert_eq!(world.live(2900), 2900);
}

#[test]
fn a_bouncing_button_is_one_request() {
    let mut world = World::new();
    for _ in 0..4 {
        assert_eq!(world.after(5, PRESS).line, Line::Off);
        assert_eq!(world.after(5, RELEASE).line, Line::Off);
    }
    world.after(5, PRESS);
    assert_eq!(world.after(29, DoorInput::Tick).line, Line::Off);
    assert_eq!(world.after(1, DoorInput::Tick).events, [DoorEvent::ExitServed]);
    world.after(5, RELEASE);
    world.after(5, PRESS);
    assert_eq!(world.after(100, RELEASE).events, []);
}

#[test]
fn a_stuck_button_does_not_hold_the_door_open() {
    let mut world = World::new();
    world.step(PRESS);
    world.after(30, PRESS);
    assert_eq!(world.after(3000, PRESS).line, Line::Off);
    assert_eq!(world.after(60_000, PRESS).line, Line::Off);
}

#[test]
fn a_door_that_opens_without_a_grant_was_forced() {
    let mut world = World::alive();
    world.step(DoorInput::Contact { open: false });
    assert_eq!(world.step(DoorInput::Contact { open: true }).events, [DoorEvent::Forced]);
    assert_eq!(world.step(DoorInput::Contact { open: true }).events, [], "told once");
    assert_eq!(world.step(DoorInput::Contact { open: false }).events, [DoorEvent::Secured]);
}

#[test]
fn a_door_that_opens_in_its_pulse_or_just_after_was_not_forced() {
    for delay in [0, 999, 1000, 1999] {
        let mut world = World::alive();
        world.step(DoorInput::Contact { open: false });
        world.step(open(1000));
        world.live(delay / 100 * 100);
        let output = world.after(delay % 100, DoorInput::Contact { open: true });
        assert!(!output.events.contains(&DoorEvent::Forced), "{delay} ms");
    }
    let mut world = World::alive();
    world.step(DoorInput::Contact { open: false });
    world.step(open(1000));
    world.live(2100);
    assert_eq!(world.step(DoorInput::Contact { open: true }).events, [DoorEvent::Forced]);
}

#[test]
fn a_door_that_stands_open_at_start_was_not_forced() {
    let mut world = World::new();
    assert_eq!(world.step(DoorInput::Contact { open: true }).events, []);
}

#[test]
fn a_door_that_stands_open_too_long_is_held() {
    let mut world = World::new();
    let output = world.step(DoorInput::Contact { open: true });
    assert_eq!(output.next, Some(ms(START + 30_000)));
    assert_eq!(world.after(29_999, DoorInput::Tick).events, []);
    assert_eq!(world.after(1, DoorInput::Tick).events, [DoorEvent::Held]);
    assert_eq!(world.after(60_000, DoorInput::Tick).events, []);
    assert_eq!(world.after(1, DoorInput::Contact { open: false }).events, [DoorEvent::Secured]);
}

#[test]
fn a_clock_that_goes_backwards_closes() {
    let mut world = World::alive();
    world.step(open(5000));
    world.press_exit();
    world.now -= 1000;
    let output = world.step(DoorInput::Tick);
    assert_eq!(output.line, Line::Off);
    assert_eq!(output.events, [DoorEvent::Failed(Fault::Clock), DoorEvent::LineOff]);
    assert_eq!(world.after(30, open(1000)).line, Line::Off);
    assert_eq!(world.press_exit().line, Line::On);
}

#[test]
fn a_clock_that_jumps_ahead_closes() {
    let mut world = World::alive();
    world.step(open(5000));
    let output = world.after(3_600_000, open(5000));
    assert_eq!(output.line, Line::Off);
    assert!(output.events.contains(&DoorEvent::CommandRefused));
}

#[test]
fn nothing_is_served_after_shutdown() {
    let mut world = World::alive();
    world.step(open(5000));
    let output = world.step(DoorInput::Shutdown);
    assert_eq!((output.line, output.next), (Line::Off, None));
    world.step(DoorInput::Heartbeat);
    assert_eq!(world.step(open(5000)).line, Line::Off);
    assert_eq!(world.press_exit().line, Line::Off);
}

#[test]
fn the_last_moment_of_the_clock_is_off() {
    let mut world = World::alive();
    let end = std::time::Duration::MAX;
    assert_eq!(world.machine.step(DoorInput::Contact { open: true }, end).line, Line::Off);
    assert_eq!(world.machine.step(DoorInput::Heartbeat, end).line, Line::Off);
    assert_eq!(world.machine.step(open(5000), end).line, Line::Off);
}

#[test]
fn a_policy_names_the_setting_that_is_wrong() {
    let good = DoorSettings::default();
    let wrong = [
        ("max_pulse", DoorSettings { max_pulse: ms(31_000), ..good.clone() }),
        ("exit_pulse", DoorSettings { exit_pulse: ms(10), ..good.clone() }),
        ("rest", DoorSettings { rest: ms(0), ..good.clone() }),
        ("debounce", DoorSettings { debounce: ms(501), ..good.clone() }),
        ("heartbeat_timeout", DoorSettings { heartbeat_timeout: ms(1001), ..good.clone() }),
        ("grace", DoorSettings { grace: ms(5001), ..good.clone() }),
        ("held_after", DoorSettings { held_after: ms(0), ..good.clone() }),
    ];
    for (setting, settings) in wrong {
        assert_eq!(DoorPolicy::new(settings).expect_err(setting).setting, setting);
    }
    assert_eq!(DoorPolicy::new(good), Ok(DoorPolicy::default()));
}
