//! Pins of a board: lines of a Linux GPIO character device, through `linux_embedded_hal::CdevPin`.

use std::{
    io,
    path::{Path, PathBuf},
};

use embedded_hal::digital::PinState;
use linux_embedded_hal::{
    CdevPin,
    gpio_cdev::{Chip, Error, Line, LineRequestFlags},
};

use super::pin::PinError;

/// What the kernel shows as the lines' holder (`gpioinfo`).
const CONSUMER: &str = "mfn-kiosk";

/// Requests an output whose first level is set by the request itself.
pub fn output(chip: &Path, line: u32, first: PinState) -> Result<CdevPin, PinError> {
    let level = u8::from(first == PinState::High);
    request(chip, line, &LineRequestFlags::OUTPUT, level)
}

/// Requests an input.
pub fn input(chip: &Path, line: u32) -> Result<CdevPin, PinError> {
    request(chip, line, &LineRequestFlags::INPUT, 0)
}

fn request(chip: &Path, line: u32, flags: &LineRequestFlags, level: u8) -> Result<CdevPin, PinError> {
    let failed = |error: Error| PinError::Gpio {
        action: format!("use line {line} of {}", chip.display()),
        reason: error.to_string(),
    };
    let free = find_free(chip, line)?;
    let handle = free.request(flags.clone(), level, CONSUMER).map_err(failed)?;
    CdevPin::new(handle).map_err(failed)
}

fn find_free(path: &Path, line: u32) -> Result<Line, PinError> {
    let mut chip = Chip::new(path).map_err(|error| open_error(path, &error))?;
    if line >= chip.num_lines() {
        return Err(PinError::NoLine { chip: path.into(), line, lines: chip.num_lines() });
    }
    let found = chip.get_line(line).map_err(|error| open_error(path, &error))?;
    let info = found.info().map_err(|error| open_error(path, &error))?;
    if info.is_used() {
        let holder = info.consumer().unwrap_or("the kernel").to_owned();
        return Err(PinError::Busy { chip: path.into(), line, holder });
    }
    Ok(found)
}

fn open_error(path: &Path, error: &Error) -> PinError {
    let chip = PathBuf::from(path);
    let system = std::error::Error::source(error).and_then(|e| e.downcast_ref::<io::Error>());
    match system.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => PinError::NoChip { chip },
        Some(io::ErrorKind::PermissionDenied) => PinError::Permission { chip },
        _ => PinError::Gpio {
            action: format!("open the GPIO chip {}", chip.display()),
            reason: error.to_string(),
        },
    }
}
