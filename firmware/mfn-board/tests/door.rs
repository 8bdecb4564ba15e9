//! The door's wires on simulated pins and on files: what an installer's multimeter would see.

use std::{fs, path::Path};

use embedded_hal::digital::{ErrorType, InputPin, OutputPin, PinState};
use mfn_board::{
    ActiveLevel, Button, DoorError, DoorLine, PinError, PinSource, SimulatedPin, input_pin, output_pin,
};

const LEVELS: [ActiveLevel; 2] = [ActiveLevel::High, ActiveLevel::Low];

/// The levels that a record shows, first to last.
fn recorded(file: &Path) -> Vec<u8> {
    let text = fs::read_to_string(file).unwrap();
    let times: Vec<u64> = text.lines().map(|l| l.split_once(' ').unwrap().0.parse().unwrap()).collect();
    assert!(times.is_sorted(), "{text}");
    text.lines().map(|line| line.as_bytes()[line.len() - 1] - b'0').collect()
}

#[test]
fn the_line_is_closed_first_and_last() {
    for active in LEVELS {
        // As bad as it can be: the pin was left energised.
        let pin = SimulatedPin::output(None, active.state(true)).unwrap();
        let wire = pin.wire();
        let energised = |on: bool| wire.is_high() == (active.state(on) == PinState::High);
        let mut line = DoorLine::new(pin, active).unwrap();
        assert!(energised(false) && !line.read_back().unwrap());
        line.set(true).unwrap();
        assert!(energised(true) && line.read_back().unwrap());
        drop(line);
        assert!(energised(false), "closed when dropped");
    }
}

#[test]
fn a_panic_closes_the_line() {
    let pin = SimulatedPin::output(None, PinState::Low).unwrap();
    let wire = pin.wire();
    let thread = std::thread::spawn(move || {
        let mut line = DoorLine::new(pin, ActiveLevel::High).unwrap();
        line.set(true).unwrap();
        panic!("expected: in the middle of a pulse");
    });
    assert!(thread.join().is_err());
    assert!(!wire.is_high());
}

#[test]
fn the_self_test_finds_a_short_and_never_energises() {
    for active in LEVELS {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("line");
        let pin = SimulatedPin::output(Some(&record), active.state(false)).unwrap();
        let wire = pin.wire();
        let mut line = DoorLine::new(pin, active).unwrap();
        line.self_test().unwrap();
        drop(line);
        let closed = u8::from(active.state(false) == PinState::High);
        assert!(recorded(&record).iter().all(|&level| level == closed));
        assert_eq!(wire.is_high(), closed == 1);
    }
    let mut shorted = DoorLine::new(Shorted, ActiveLevel::High).unwrap();
    assert!(matches!(shorted.self_test(), Err(DoorError::NotClosed)));
}

/// A wire that is high whatever drives it.
#[derive(Debug)]
struct Shorted;

impl ErrorType for Shorted {
    type Error = std::convert::Infallible;
}

impl OutputPin for Shorted {
    fn set_low(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl InputPin for Shorted {
    fn is_high(&mut self) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn is_low(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

#[test]
fn a_record_holds_each_change_of_all_owners() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("line");
    let source = PinSource::Simulated { file: Some(record.clone()) };
    for _ in 0..2 {
        let mut line = DoorLine::new(output_pin(&source, PinState::Low).unwrap(), ActiveLevel::High).unwrap();
        line.set(true).unwrap();
        line.set(true).unwrap();
    }
    assert_eq!(recorded(&record), [0, 1, 0, 0, 1, 0]);
    let nowhere = PinSource::Simulated { file: Some(folder.path().join("no/folder")) };
    assert!(matches!(output_pin(&nowhere, PinState::Low), Err(PinError::File { .. })));
}

#[test]
fn a_button_follows_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rex");
    let source = PinSource::Simulated { file: Some(file.clone()) };
    let mut button = Button::new(input_pin(&source).unwrap(), ActiveLevel::High);
    let mut inverted = Button::new(input_pin(&source).unwrap(), ActiveLevel::Low);
    assert!(!button.is_active().unwrap() && inverted.is_active().unwrap(), "absent is low");
    for (text, high) in [("1\n", true), ("0\n", false), ("", false), ("1", true)] {
        fs::write(&file, text).unwrap();
        assert_eq!((button.is_active().unwrap(), inverted.is_active().unwrap()), (high, !high), "{text:?}");
    }
    let pin = SimulatedPin::input(None);
    let wire = pin.wire();
    let mut button = Button::new(pin, ActiveLevel::High);
    wire.set(true);
    assert!(button.is_active().unwrap());
}

#[test]
fn boards_without_that_pin_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let chip = folder.path().join("gpiochip7");
    let source = PinSource::Gpio { chip: chip.clone(), line: 17 };
    let error = output_pin(&source, PinState::Low).err().unwrap();
    assert!(matches!(error, PinError::NoChip { .. }) && error.to_string().contains("gpiochip7"), "{error}");
    fs::write(&chip, "hello").unwrap();
    let error = input_pin(&source).err().unwrap();
    assert!(matches!(error, PinError::Gpio { .. }) && error.to_string().contains("gpiochip7"), "{error}");
}
