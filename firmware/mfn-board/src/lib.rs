//! Cameras, door line, buttons and watchdog behind small traits; simulated ones beside the real ones.
//! Knows nothing of faces, galleries or decisions.
//!
//! * [`Camera`]: one picture after the other into a [`mfn_vision::Frame`] that is reused; opened from a
//!   [`CameraSource`] by [`open_camera`], or scripted for tests ([`ScriptedCamera`]).
//! * [`DoorLine`] and [`Button`]: relay and inputs over `embedded_hal::digital` pins; the pins come from a
//!   [`PinSource`] ([`output_pin`], [`input_pin`]).
//! * [`Watchdog`]: tells systemd that the program is ready and alive.
//!
//! # Measured, and not yet
//! Against the simulated V4L2 device of `tests/v4l2-sim` (x86-64, and aarch64 under qemu): every format byte
//! for byte, strides with padding, stalls, a camera that comes back under another number (0.5 s after its
//! return, of which udev's simulated delay is 0.4 s).
//!
//! Not yet measured, as only real devices can show it:
//! * cameras: how long their exposure takes to settle, how often USB flags damaged pictures, the kernel's and
//!   udev's share of the time after plugging in, and drivers that answer in ways the simulation does not;
//! * GPIO: that a line's first level is set together with its direction (no click of the relay at start), what
//!   level a Raspberry Pi or a Jetson keeps after a SIGKILL, and `CdevPin` at all: there is no GPIO chip where
//!   this was written, only its errors are tested;
//! * systemd itself: its side of the watchdog's protocol is a socket of the tests.

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
