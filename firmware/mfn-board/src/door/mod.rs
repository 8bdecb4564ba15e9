//! The door's wires: the line that energises the lock's relay, the buttons and contacts, and their pins.
//!
//! The line is fail-secure by construction: made closed, closed when dropped. What happens after the process
//! is killed is not in its power: the kernel promises nothing about a GPIO line without an owner, so a
//! supervising process has to take the line again and close it.
//!
//! Not yet measured, as it takes a board: that the kernel sets the first level together with the direction
//! (no glitch of the relay at start), and what level a Raspberry Pi and a Jetson keep after a SIGKILL.

mod gpio;
mod line;
mod pin;
mod simulated;

pub use line::{ActiveLevel, Button, DoorError, DoorLine};
pub use pin::{BoardPin, PinError, PinSource, input_pin, output_pin};
pub use simulated::{SimulatedPin, Wire};
