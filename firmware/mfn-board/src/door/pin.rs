//! Where a pin comes from, as the configuration names it, and the one pin type that the program handles.

use std::{fmt, io, path::PathBuf, str::FromStr};

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin, OutputPin, PinState};
use linux_embedded_hal::CdevPin;

use super::{gpio, simulated::SimulatedPin};

/// A pin could not be named, opened, driven or read.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The text names no pin.
    #[error("`{0}` names no pin; use simulated, simulated:FILE or gpio:/dev/gpiochip0:17")]
    Name(String),
    /// There is no such GPIO chip.
    #[error("no GPIO chip at {chip}: list the board's chips with `ls /dev/gpiochip*`")]
    NoChip {
        /// Where it was looked for.
        chip: PathBuf,
    },
    /// The chip may not be opened by this user.
    #[error("no permission to open {chip}: add this user to the group `gpio` and log in again")]
    Permission {
        /// The chip.
        chip: PathBuf,
    },
    /// The chip has fewer lines.
    #[error("{chip} has {lines} lines, there is no line {line}")]
    NoLine {
        /// The chip.
        chip: PathBuf,
        /// The line that was asked for.
        line: u32,
        /// How many there are; they count from 0.
        lines: u32,
    },
    /// Somebody else holds the line.
    #[error("line {line} of {chip} is in use by `{holder}`: stop that, or wire the door to another line")]
    Busy {
        /// The chip.
        chip: PathBuf,
        /// The line.
        line: u32,
        /// Who holds it, as the kernel says.
        holder: String,
    },
    /// The kernel refused otherwise.
    #[error("cannot {action}: {reason}")]
    Gpio {
        /// What was tried.
        action: String,
        /// What the kernel said.
        reason: String,
    },
    /// A simulated pin's file could not be written or read.
    #[error("cannot use the simulated pin's file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error for PinError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// Where a pin is. Text forms: `simulated`, `simulated:FILE`, `gpio:/dev/gpiochip0:17`.
///
/// A simulated output appends each change to its file; a simulated input reads its level from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// No hardware.
    Simulated {
        /// See [`SimulatedPin`].
        file: Option<PathBuf>,
    },
    /// A line of a GPIO character device.
    Gpio {
        /// The chip, such as /dev/gpiochip0.
        chip: PathBuf,
        /// The line's offset on that chip.
        line: u32,
    },
}

impl FromStr for PinSource {
    type Err = PinError;

    fn from_str(text: &str) -> Result<PinSource, PinError> {
        let wrong = || PinError::Name(text.chars().take(200).collect());
        match text.split_once(':') {
            None if text == "simulated" => Ok(PinSource::Simulated { file: None }),
            Some(("simulated", file)) if !file.is_empty() => {
                Ok(PinSource::Simulated { file: Some(file.into()) })
            }
            Some(("gpio", rest)) => {
                let (chip, line) =
                    rest.rsplit_once(':').filter(|(chip, _)| !chip.is_empty()).ok_or_else(wrong)?;
                Ok(PinSource::Gpio { chip: chip.into(), line: line.parse().map_err(|_| wrong())? })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PinSource::Simulated { file: None } => f.write_str("simulated"),
            PinSource::Simulated { file: Some(file) } => write!(f, "simulated:{}", file.display()),
            PinSource::Gpio { chip, line } => write!(f, "gpio:{}:{line}", chip.display()),
        }
    }
}

/// A pin of either kind.
pub enum BoardPin {
    /// No hardware.
    Simulated(SimulatedPin),
    /// A GPIO line.
    Gpio(CdevPin),
}

/// Opens an output; it has `first` as its level from the very start.
///
/// # Errors
/// See [`PinError`].
pub fn output_pin(source: &PinSource, first: PinState) -> Result<BoardPin, PinError> {
    match source {
        PinSource::Simulated { file } => {
            SimulatedPin::output(file.as_deref(), first).map(BoardPin::Simulated)
        }
        PinSource::Gpio { chip, line } => gpio::output(chip, *line, first).map(BoardPin::Gpio),
    }
}

/// Opens an input. A GPIO input has no pull resistor of its own: the wiring or the board's device tree gives
/// one (on a Raspberry Pi `gpio=17=pu` in config.txt).
///
/// # Errors
/// See [`PinError`].
pub fn input_pin(source: &PinSource) -> Result<BoardPin, PinError> {
    match source {
        PinSource::Simulated { file } => Ok(BoardPin::Simulated(SimulatedPin::input(file.as_deref()))),
        PinSource::Gpio { chip, line } => gpio::input(chip, *line).map(BoardPin::Gpio),
    }
}

fn drive(error: impl fmt::Display) -> PinError {
    PinError::Gpio { action: "drive a GPIO line".into(), reason: error.to_string() }
}

fn read(error: impl fmt::Display) -> PinError {
    PinError::Gpio { action: "read a GPIO line".into(), reason: error.to_string() }
}

impl ErrorType for BoardPin {
    type Error = PinError;
}

impl OutputPin for BoardPin {
    fn set_low(&mut self) -> Result<(), PinError> {
        match self {
            BoardPin::Simulated(pin) => pin.set_low(),
            BoardPin::Gpio(pin) => pin.set_low().map_err(drive),
        }
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        match self {
            BoardPin::Simulated(pin) => pin.set_high(),
            BoardPin::Gpio(pin) => pin.set_high().map_err(drive),
        }
    }
}

impl InputPin for BoardPin {
    fn is_high(&mut self) -> Result<bool, PinError> {
        match self {
            BoardPin::Simulated(pin) => pin.is_high(),
            BoardPin::Gpio(pin) => pin.is_high().map_err(read),
        }
    }

    fn is_low(&mut self) -> Result<bool, PinError> {
        self.is_high().map(|high| !high)
    }
}
