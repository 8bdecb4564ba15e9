//! The door keeper: owns the line, the button and the contact, and does what [`DoorMachine`] says.

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use embedded_hal::digital::{InputPin, OutputPin};
use mfn_access::{DoorInput, DoorMachine, DoorOutput, Fault, Line};
use mfn_board::{BoardPin, Button, DoorError, DoorLine, PinError, input_pin, output_pin};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::protocol::{FromKeeper, ToKeeper};
use crate::config::{DoorSetup, Input};

/// How often button, contact and signals are looked at: ten times in the shortest press that counts.
const LOOK: Duration = Duration::from_millis(10);
/// The longest line that the kiosk sends is far shorter.
const LONGEST_LINE: u64 = 200;

/// Why the keeper cannot keep the door.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// A pin cannot be opened.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The line cannot be closed.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// Signals cannot be taken over.
    #[error("cannot take signals over: {0}")]
    Signals(#[from] io::Error),
}

/// The keeper's whole life: closes the line, then serves the kiosk behind standard input until it is gone.
///
/// # Errors
/// A pin cannot be opened or the line not be closed; the line is closed then as far as that is possible.
pub fn keep(setup: &DoorSetup) -> Result<(), KeeperError> {
    let pin = output_pin(&setup.line, setup.line_active.state(false))?;
    let line = DoorLine::new(pin, setup.line_active)?;
    let button = |input: &Option<Input>| {
        input.as_ref().map(|i| Ok::<_, PinError>(Button::new(input_pin(&i.pin)?, i.active))).transpose()
    };
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGTERM, Arc::clone(&stop))?;
    // The terminal's Ctrl-C is the kiosk's affair: it then says shutdown or hangs up.
    signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
    let mut keeper = Doorkeeper {
        machine: DoorMachine::new(setup.policy.clone(), Duration::ZERO),
        line,
        rex: button(&setup.rex)?,
        contact: button(&setup.contact)?,
        out: io::stdout(),
        on: false,
        trouble: String::new(),
    };
    keeper.tell(&FromKeeper::Line(false));
    keeper.serve(&commands(), &stop);
    Ok(())
}

/// Reads the kiosk's lines on a thread of their own; the channel hangs up where standard input ends.
fn commands() -> Receiver<ToKeeper> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = String::new();
        loop {
            line.clear();
            match (&mut input).take(LONGEST_LINE).read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            match line.trim_end().parse() {
                Ok(command) if send.send(command).is_err() => return,
                Ok(_) => {}
                Err(e) => log::warn!("door keeper: {e}"),
            }
        }
    });
    receive
}

/// Machine and wires. Generic so that tests put other wires and another listener in.
struct Doorkeeper<P: OutputPin + InputPin, W: Write> {
    machine: DoorMachine,
    line: DoorLine<P>,
    rex: Option<Button<BoardPin>>,
    contact: Option<Button<BoardPin>>,
    out: W,
    on: bool,
    /// The last trouble that was told, so that it is told once.
    trouble: String,
}

impl<P: OutputPin + InputPin, W: Write> Doorkeeper<P, W> {
    /// Until the kiosk says shutdown, hangs up, or the process is told to end.
    fn serve(&mut self, commands: &Receiver<ToKeeper>, stop: &AtomicBool) {
        let start = Instant::now();
        loop {
            let input = match commands.recv_timeout(LOOK) {
                Ok(ToKeeper::Beat) => {
                    self.tell(&FromKeeper::Alive);
                    DoorInput::Heartbeat
                }
                Ok(ToKeeper::Door(command)) => DoorInput::Command(command),
                Ok(ToKeeper::Shutdown) => return self.end(start.elapsed()),
                Err(RecvTimeoutError::Timeout) => DoorInput::Tick,
                Err(RecvTimeoutError::Disconnected) => {
                    self.step(DoorInput::KioskGone, start.elapsed());
                    return self.end(start.elapsed());
                }
            };
            if stop.load(Ordering::Relaxed) {
                return self.end(start.elapsed());
            }
            self.step(input, start.elapsed());
            self.look(start.elapsed());
        }
    }

    /// Closes the line for good; it is closed once more when it is dropped.
    fn end(&mut self, now: Duration) {
        self.step(DoorInput::Shutdown, now);
    }

    /// Reads button and contact.
    fn look(&mut self, now: Duration) {
        if let Some(pressed) = read(&mut self.rex).transpose() {
            match pressed {
                Ok(pressed) => self.step(DoorInput::ExitButton { pressed }, now),
                Err(e) => self.fail(&e, now),
            }
        }
        if let Some(open) = read(&mut self.contact).transpose() {
            match open {
                Ok(open) => self.step(DoorInput::Contact { open }, now),
                Err(e) => self.fail(&e, now),
            }
        }
    }

    fn step(&mut self, input: DoorInput, now: Duration) {
        let output = self.machine.step(input, now);
        if let Err(e) = self.obey(&output) {
            self.fail(&e, now);
        }
    }

    /// A fault closes the line; if even that fails, the next step tries again.
    fn fail(&mut self, error: &DoorError, now: Duration) {
        let words = error.to_string();
        if self.trouble != words {
            self.tell(&FromKeeper::Trouble(words.clone()));
            self.trouble = words;
        }
        let output = self.machine.step(DoorInput::Fault(Fault::Door), now);
        if let Err(e) = self.obey(&output) {
            log::error!("door keeper: {e}");
        }
    }

    fn obey(&mut self, output: &DoorOutput) -> Result<(), DoorError> {
        let on = output.line == Line::On;
        self.line.set(on)?;
        if on != self.on {
            if !on {
                self.line.self_test()?;
            }
            self.on = on;
            self.tell(&FromKeeper::Line(on));
        }
        for event in &output.events {
            self.tell(&FromKeeper::Event(*event));
        }
        Ok(())
    }

    /// Nobody may be listening any more; the door is kept all the same.
    fn tell(&mut self, message: &FromKeeper) {
        let _ = writeln!(self.out, "{message}").and_then(|()| self.out.flush());
    }
}

fn read(button: &mut Option<Button<BoardPin>>) -> Result<Option<bool>, DoorError> {
    button.as_mut().map(Button::is_active).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal::digital::PinState;
    use mfn_access::{DoorCommand, DoorPolicy, Pulse};
    use mfn_board::{ActiveLevel, SimulatedPin, Wire};

    struct Rig {
        keeper: Doorkeeper<SimulatedPin, Vec<u8>>,
        wire: Wire,
        button: Wire,
    }

    fn rig() -> Rig {
        let pin = SimulatedPin::output(None, PinState::Low).unwrap();
        let rex = SimulatedPin::input(None);
        let (wire, button) = (pin.wire(), rex.wire());
        let keeper = Doorkeeper {
            machine: DoorMachine::new(DoorPolicy::default(), Duration::ZERO),
            line: DoorLine::new(pin, ActiveLevel::High).unwrap(),
            rex: Some(Button::new(BoardPin::Simulated(rex), ActiveLevel::High)),
            contact: None,
            out: Vec::new(),
            on: false,
            trouble: String::new(),
        };
        Rig { keeper, wire, button }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn open() -> DoorInput {
        DoorInput::Command(DoorCommand::Open { pulse: Pulse::new(at(300)).unwrap() })
    }

    #[test]
    fn a_command_opens_for_its_pulse_and_no_longer() {
        let Rig { mut keeper, wire, .. } = rig();
        keeper.step(DoorInput::Heartbeat, at(0));
        keeper.step(open(), at(10));
        assert!(wire.is_high());
        keeper.step(DoorInput::Tick, at(309));
        assert!(wire.is_high());
        keeper.step(DoorInput::Tick, at(310));
        assert!(!wire.is_high());
        let said = String::from_utf8(keeper.out.clone()).unwrap();
        assert!(said.contains("line on\nevent granted\n") && said.contains("line off"), "{said}");
    }

    #[test]
    fn a_kiosk_that_is_gone_opens_nothing_and_the_button_still_does() {
        let Rig { mut keeper, wire, button } = rig();
        keeper.step(DoorInput::Heartbeat, at(0));
        keeper.step(open(), at(10));
        keeper.step(DoorInput::KioskGone, at(20));
        assert!(!wire.is_high());
        keeper.step(open(), at(500));
        assert!(!wire.is_high());
        button.set(true);
        (100..108).for_each(|n| keeper.look(at(10 * n)));
        assert!(wire.is_high());
    }

    #[test]
    fn the_end_of_the_pipe_closes_the_line_and_ends() {
        let Rig { mut keeper, wire, .. } = rig();
        let (send, receive) = mpsc::channel();
        send.send(ToKeeper::Beat).unwrap();
        send.send(ToKeeper::Door(DoorCommand::Open { pulse: Pulse::MAX })).unwrap();
        drop(send);
        keeper.serve(&receive, &AtomicBool::new(false));
        assert!(!wire.is_high());
        let said = String::from_utf8(keeper.out.clone()).unwrap();
        assert!(said.contains("line on") && said.contains("event shut-down"), "{said}");
    }

    #[test]
    fn a_panic_closes_the_line() {
        let Rig { mut keeper, wire, .. } = rig();
        keeper.step(DoorInput::Heartbeat, at(0));
        keeper.step(open(), at(1));
        assert!(wire.is_high());
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _owned = keeper;
            panic!("made by the test");
        }));
        assert!(caught.is_err() && !wire.is_high());
    }
}
