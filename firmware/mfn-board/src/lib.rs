//! Cameras, door line, buttons and watchdog behind small traits; simulated ones beside the real ones.
//! Knows nothing of faces, galleries or decisions.
//!
//! * [`Camera`]: one picture after the other into a [`mfn_vision::Frame`] that is reused; opened from a
//!   [`CameraSource`] by [`open_camera`], or scripted for tests ([`ScriptedCamera`]).
//! * [`DoorLine`] and [`Button`]: relay and inputs over `embedded_hal::digital` pins; the pins come from a
//!   [`PinSource`] ([`output_pin`], [`input_pin`]).
//! * [`Watchdog`]: tells systemd that the program is ready and alive.

mod camera;
mod door;
mod watchdog;

pub use camera::{
    Camera, CameraError, CameraOptions, CameraSource, Captured, Pace, ScriptedCamera, Size, SpecError,
    open_camera,
};
pub use door::{
    ActiveLevel, BoardPin, Button, DoorError, DoorLine, PinError, PinSource, SimulatedPin, Wire, input_pin,
    output_pin,
};
pub use watchdog::{NoWatchdog, SystemdWatchdog, Watchdog};
