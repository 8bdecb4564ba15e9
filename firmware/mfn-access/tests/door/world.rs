//! A door as a script: a machine and a clock in milliseconds.

use std::time::Duration;

use mfn_access::{DoorCommand, DoorInput, DoorMachine, DoorOutput, DoorPolicy, DoorSettings, Line, Pulse};

pub const START: u64 = 10_000;

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn open(millis: u64) -> DoorInput {
    DoorInput::Command(DoorCommand::Open { pulse: Pulse::new(ms(millis)).expect("a pulse") })
}

pub const CLOSE: DoorInput = DoorInput::Command(DoorCommand::Close);
pub const PRESS: DoorInput = DoorInput::ExitButton { pressed: true };
pub const RELEASE: DoorInput = DoorInput::ExitButton { pressed: false };

/// Pulses of up to 5 s, 3 s for the exit, and the defaults.
pub fn policy() -> DoorPolicy {
    let settings = DoorSettings { max_pulse: ms(5000), exit_pulse: ms(3000), ..DoorSettings::default() };
    DoorPolicy::new(settings).expect("valid settings")
}

pub struct World {
    pub machine: DoorMachine,
    pub now: u64,
}

impl World {
    /// A machine whose kiosk is not there yet.
    pub fn new() -> World {
        World { machine: DoorMachine::new(policy(), ms(START)), now: START }
    }

    /// A machine whose kiosk has just shown that it is alive.
    pub fn alive() -> World {
        let mut world = World::new();
        world.step(DoorInput::Heartbeat);
        world
    }

    pub fn step(&mut self, input: DoorInput) -> DoorOutput {
        self.machine.step(input, ms(self.now))
    }

    /// After so many milliseconds.
    pub fn after(&mut self, millis: u64, input: DoorInput) -> DoorOutput {
        self.now += millis;
        self.step(input)
    }

    /// Heartbeats every 100 ms for so long; how long the line was on, judged at each of them.
    pub fn live(&mut self, millis: u64) -> u64 {
        let beats = (0..millis / 100).filter(|_| self.after(100, DoorInput::Heartbeat).line == Line::On);
        beats.count() as u64 * 100
    }

    /// Presses the exit button for 50 ms, long enough to count.
    pub fn press_exit(&mut self) -> DoorOutput {
        self.after(1, PRESS);
        self.after(50, RELEASE)
    }
}
