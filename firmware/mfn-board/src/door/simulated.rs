//! Pins without hardware: a level in memory, a record of changes for whole-program tests, an input from a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use embedded_hal::digital::{ErrorType, InputPin, OutputPin, PinState};
use rustix::time::{ClockId, clock_gettime};

use super::pin::PinError;

/// The level at the far end of a simulated pin: what an ohmmeter on the wire would see.
#[derive(Clone, Debug, Default)]
pub struct Wire(Arc<AtomicBool>);

impl Wire {
    /// Whether the level is high.
    #[must_use]
    pub fn is_high(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Drives the wire from outside: a button pressed, a short circuit.
    pub fn set(&self, high: bool) {
        self.0.store(high, Ordering::SeqCst);
    }
}

/// A pin without hardware.
///
/// An output with a file appends one line a change, `NANOSECONDS LEVEL`: the time of CLOCK_MONOTONIC, which
/// all processes of a machine share, and 1 for high or 0 for low. Each line is one write, so the record
/// survives a SIGKILL of the writer, and its last line is the level that the wire kept.
///
/// An input with a file is high while the file begins with `1`, and low otherwise or while it is absent.
#[derive(Debug)]
pub struct SimulatedPin {
    wire: Wire,
    file: Use,
}

#[derive(Debug)]
enum Use {
    Nothing,
    Record(PathBuf, File),
    Follow(PathBuf),
}

impl SimulatedPin {
    /// An output whose level is `first` from the start (and the record's first line).
    ///
    /// # Errors
    /// The file cannot be opened or appended to.
    pub fn output(record: Option<&Path>, first: PinState) -> Result<SimulatedPin, PinError> {
        let file = match record {
            None => Use::Nothing,
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                Use::Record(path.into(), file.map_err(|source| PinError::File { path: path.into(), source })?)
            }
        };
        let mut pin = SimulatedPin { wire: Wire::default(), file };
        pin.wire.set(first == PinState::High);
        pin.write_record()?;
        Ok(pin)
    }

    /// An input, low until its wire or its file says otherwise.
    #[must_use]
    pub fn input(follow: Option<&Path>) -> SimulatedPin {
        let file = follow.map_or(Use::Nothing, |path| Use::Follow(path.into()));
        SimulatedPin { wire: Wire::default(), file }
    }

    /// The wire on this pin.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire.clone()
    }

    fn drive(&mut self, high: bool) -> Result<(), PinError> {
        if self.wire.is_high() == high {
            return Ok(());
        }
        self.wire.set(high);
        self.write_record()
    }

    fn write_record(&mut self) -> Result<(), PinError> {
        let Use::Record(path, file) = &mut self.file else { return Ok(()) };
        let now = clock_gettime(ClockId::Monotonic);
        let nanoseconds = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
        let line = format!("{nanoseconds} {}\n", u8::from(self.wire.is_high()));
        file.write_all(line.as_bytes()).map_err(|source| PinError::File { path: path.clone(), source })
    }
}

impl ErrorType for SimulatedPin {
    type Error = PinError;
}

impl OutputPin for SimulatedPin {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.drive(false)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.drive(true)
    }
}

impl InputPin for SimulatedPin {
    fn is_high(&mut self) -> Result<bool, PinError> {
        let Use::Follow(path) = &self.file else { return Ok(self.wire.is_high()) };
        match std::fs::read(path) {
            Ok(text) => Ok(text.first() == Some(&b'1')),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(PinError::File { path: path.clone(), source }),
        }
    }

    fn is_low(&mut self) -> Result<bool, PinError> {
        self.is_high().map(|high| !high)
    }
}
