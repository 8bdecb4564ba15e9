//! Door line and button over any `embedded_hal` pin: the active level is known here and nowhere else.

use std::{fmt::Debug, str::FromStr};

use embedded_hal::digital::{InputPin, OutputPin, PinState};

/// Which electrical level means "energised" (for a line) or "pressed" (for a button).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActiveLevel {
    /// High is active.
    High,
    /// Low is active, as on most relay boards and with buttons to ground.
    Low,
}

impl ActiveLevel {
    /// The electrical level of an active or an idle wire.
    #[must_use]
    pub fn state(self, active: bool) -> PinState {
        PinState::from(active == (self == ActiveLevel::High))
    }
}

impl FromStr for ActiveLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<ActiveLevel, String> {
        match text {
            "high" => Ok(ActiveLevel::High),
            "low" => Ok(ActiveLevel::Low),
            _ => Err(format!("`{text}` is no level; use high or low")),
        }
    }
}

/// The line or a button could not be driven or read, or the wire does not follow.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The pin refused.
    #[error("cannot {action}: {reason}; the lock's state is unknown, check the board's wiring")]
    Pin {
        /// What was tried.
        action: &'static str,
        /// What the pin said.
        reason: String,
    },
    /// The line is driven closed, but the wire reads energised.
    #[error(
        "the door line is driven closed but reads energised: the wire is shorted, driven by something \
         else, or the active level in the configuration is wrong"
    )]
    NotClosed,
}

fn pin_error<E: Debug>(action: &'static str) -> impl Fn(E) -> DoorError {
    move |error| DoorError::Pin { action, reason: format!("{error:?}") }
}

/// The output that energises the lock's relay. "On" is energised, that is, the door can be opened; a lock
/// that holds by current (a magnet) hangs on the relay's normally closed contact, so that this stays true.
///
/// Closed when constructed and when dropped; panics that unwind drop it too.
#[derive(Debug)]
pub struct DoorLine<P: OutputPin + InputPin> {
    pin: P,
    active: ActiveLevel,
}

impl<P: OutputPin + InputPin> DoorLine<P> {
    /// Takes the pin over and closes the line before anything else.
    ///
    /// # Errors
    /// The pin cannot be driven.
    pub fn new(pin: P, active: ActiveLevel) -> Result<DoorLine<P>, DoorError> {
        let mut line = DoorLine { pin, active };
        line.set(false)?;
        Ok(line)
    }

    /// Energises the line or closes it.
    ///
    /// # Errors
    /// The pin cannot be driven.
    pub fn set(&mut self, on: bool) -> Result<(), DoorError> {
        let action = if on { "energise the door line" } else { "close the door line" };
        self.pin.set_state(self.active.state(on)).map_err(pin_error(action))
    }

    /// Whether the wire itself is energised, as read from the pin and not from memory.
    ///
    /// # Errors
    /// The pin cannot be read.
    pub fn read_back(&mut self) -> Result<bool, DoorError> {
        let high = self.pin.is_high().map_err(pin_error("read the door line back"))?;
        Ok(PinState::from(high) == self.active.state(true))
    }

    /// Closes the line and checks that the wire follows. Never energises it.
    ///
    /// # Errors
    /// The pin cannot be driven or read, or the wire reads energised.
    pub fn self_test(&mut self) -> Result<(), DoorError> {
        self.set(false)?;
        if self.read_back()? { Err(DoorError::NotClosed) } else { Ok(()) }
    }
}

impl<P: OutputPin + InputPin> Drop for DoorLine<P> {
    fn drop(&mut self) {
        if let Err(error) = self.set(false) {
            log::error!("{error}");
        }
    }
}

/// An input with two states: the request-to-exit button, the door contact.
#[derive(Debug)]
pub struct Button<P: InputPin> {
    pin: P,
    active: ActiveLevel,
}

impl<P: InputPin> Button<P> {
    /// A button on this pin.
    pub fn new(pin: P, active: ActiveLevel) -> Button<P> {
        Button { pin, active }
    }

    /// Whether it is pressed (or, for a contact, active) now. Not debounced: whoever reads it every few
    /// milliseconds decides how long a press is.
    ///
    /// # Errors
    /// The pin cannot be read.
    pub fn is_active(&mut self) -> Result<bool, DoorError> {
        let high = self.pin.is_high().map_err(pin_error("read a button"))?;
        Ok(PinState::from(high) == self.active.state(true))
    }
}
