//! Properties over arbitrary sequences of inputs, on a clock that mostly goes forwards.

use mfn_access::{DoorCommand, DoorEvent, DoorInput, DoorOutput, Fault, Line};
use proptest::prelude::*;

use crate::world::*;

/// An input and the time at which it comes.
type Step = (DoorInput, u64);

fn input(exits: bool) -> impl Strategy<Value = DoorInput> {
    let button = any::<bool>().prop_map(move |pressed| DoorInput::ExitButton { pressed: pressed && exits });
    prop_oneof![
        8 => Just(DoorInput::Heartbeat),
        5 => (100u64..8000).prop_map(open),
        1 => Just(CLOSE),
        4 => button,
        2 => any::<bool>().prop_map(|open| DoorInput::Contact { open }),
        3 => Just(DoorInput::Tick),
        1 => Just(DoorInput::Fault(Fault::Camera)),
        1 => Just(DoorInput::KioskGone),
    ]
}

/// A script without shutdown; `exits` says whether anybody presses the exit button.
fn script(exits: bool) -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![20 => 0i64..120, 3 => 0i64..600, 1 => 0i64..40_000, 1 => -3000i64..0];
    prop::collection::vec((input(exits), pause), 1..120).prop_map(|steps| {
        let mut now = START;
        let on_clock = |(input, pause): (DoorInput, i64)| {
            now = now.saturating_add_signed(pause);
            (input, now)
        };
        steps.into_iter().map(on_clock).collect()
    })
}

fn play(world: &mut World, script: &[Step]) -> Vec<DoorOutput> {
    let step = |&(input, now): &Step| {
        world.now = now;
        world.step(input)
    };
    script.iter().map(step).collect()
}

/// Whether a command excuses that the line is on now: an open within its pulse, from a kiosk that was
/// alive then and ever since, with nothing between that closes.
fn excused_by_command(script: &[Step]) -> bool {
    let now = script[script.len() - 1].1;
    let mut later = now;
    let mut last_beat = now;
    let mut opened = false;
    for &(input, at) in script.iter().rev() {
        if at > later || (last_beat - at >= 500) {
            return false;
        }
        later = at;
        match input {
            DoorInput::Command(DoorCommand::Open { pulse }) => {
                opened |= at + (pulse.get().as_millis() as u64).min(5000) > now;
            }
            DoorInput::Heartbeat if opened => return true,
            DoorInput::Heartbeat => last_beat = at,
            DoorInput::Command(DoorCommand::Close) if !opened => return false,
            DoorInput::Fault(_) | DoorInput::KioskGone | DoorInput::Shutdown => return false,
            _ => {}
        }
    }
    false
}

/// Whether a request to exit excuses it: served less than an exit pulse ago, on a clock that has only
/// gone forwards since.
fn excused_by_exit(script: &[Step], outputs: &[DoorOutput]) -> bool {
    let mut later = script[script.len() - 1].1;
    let now = later;
    for (&(_, at), output) in script.iter().zip(outputs).rev() {
        if at > later {
            return false;
        }
        later = at;
        if output.events.contains(&DoorEvent::ExitServed) {
            return now < at + 3000;
        }
    }
    false
}

/// How often the button was pressed for at least the debounce time, as far as the script shows.
fn presses(script: &[Step]) -> usize {
    let mut pressed_before = false;
    let mut pressed = |&(input, _): &Step| match input {
        DoorInput::ExitButton { pressed } => {
            let edge = pressed && !pressed_before;
            pressed_before = pressed;
            edge
        }
        _ => false,
    };
    script.iter().filter(|step| pressed(step)).count()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_line_is_on_only_within_a_pulse(script in script(true)) {
        let outputs = play(&mut World::new(), &script);
        for end in 1..=script.len() {
            let on = outputs[end - 1].line == Line::On;
            let (past, told) = (&script[..end], &outputs[..end]);
            prop_assert!(!on || excused_by_command(past) || excused_by_exit(past, told), "{past:?}");
        }
    }

    #[test]
    fn commands_never_keep_the_line_on_longer_than_the_longest_pulse(script in script(false)) {
        let mut on_since = None;
        let mut clock = 0;
        for (output, (_, now)) in play(&mut World::new(), &script).iter().zip(&script) {
            on_since = on_since.filter(|_| output.line == Line::On && *now >= clock);
            clock = *now;
            if output.line == Line::On {
                let since = *on_since.get_or_insert(*now);
                prop_assert!(now - since < 5000);
            }
        }
    }

    #[test]
    fn whatever_ends_a_grant_ends_it_at_once(script in script(false), end in 0usize..4) {
        let mut world = World::new();
        play(&mut world, &script);
        let inputs = [CLOSE, DoorInput::Fault(Fault::Door), DoorInput::KioskGone, DoorInput::Shutdown];
        prop_assert_eq!(world.step(inputs[end]).line, Line::Off);
        prop_assert_eq!(world.step(DoorInput::Tick).line, Line::Off);
    }

    #[test]
    fn a_kiosk_that_falls_silent_loses_the_line(script in script(true)) {
        let mut world = World::new();
        play(&mut world, &script);
        world.after(30, DoorInput::Tick);
        prop_assert_eq!(world.after(3000, DoorInput::Tick).line, Line::Off);
    }

    #[test]
    fn shutdown_is_off_for_good(before in script(true), after in script(true)) {
        let mut world = World::new();
        play(&mut world, &before);
        prop_assert_eq!(world.step(DoorInput::Shutdown).line, Line::Off);
        for output in play(&mut world, &after) {
            prop_assert!(output.line == Line::Off && output.next.is_none() && output.events.is_empty());
        }
    }

    #[test]
    fn exit_is_served_in_every_state(script in script(true)) {
        let mut world = World::new();
        play(&mut world, &script);
        world.step(RELEASE);
        world.after(30, DoorInput::Tick);
        world.after(1, PRESS);
        let output = world.after(30, DoorInput::Tick);
        prop_assert_eq!(output.line, Line::On);
        prop_assert!(output.events.contains(&DoorEvent::ExitServed));
        prop_assert_eq!(world.after(2999, DoorInput::Tick).line, Line::On);
    }

    #[test]
    fn exit_is_served_at_most_once_a_press(script in script(true)) {
        let outputs = play(&mut World::new(), &script);
        let served = outputs.iter().flat_map(|output| &output.events);
        prop_assert!(served.filter(|event| **event == DoorEvent::ExitServed).count() <= presses(&script));
    }

    #[test]
    fn following_the_deadlines_ends_off_and_comes_to_rest(script in script(true)) {
        let mut world = World::new();
        let mut output = play(&mut world, &script).pop().expect("a step");
        let mut clock = ms(world.now);
        let mut ticks = 0;
        while let Some(next) = output.next {
            prop_assert!(next > clock, "a deadline that is over would be called for ever");
            prop_assert!(output.line == Line::Off || next <= clock + ms(5000));
            clock = next;
            output = world.machine.step(DoorInput::Tick, clock);
            ticks += 1;
            prop_assert!(ticks < 10);
        }
        prop_assert_eq!(output.line, Line::Off);
    }
}

#[test]
fn the_scripts_do_open_the_door() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut counts = [0, 0];
    for _ in 0..200 {
        let script = script(true).new_tree(&mut runner).expect("a script").current();
        for event in play(&mut World::new(), &script).iter().flat_map(|output| &output.events) {
            counts[0] += usize::from(*event == DoorEvent::Granted);
            counts[1] += usize::from(*event == DoorEvent::ExitServed);
        }
    }
    assert!(counts.iter().all(|count| *count > 200), "grants and exits: {counts:?}");
}
