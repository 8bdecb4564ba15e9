//! The words of the door's own process: what it learns, what it does, what it reports.

use std::time::Duration;

use crate::decision::DoorCommand;
use crate::evidence::Fault;

/// What the door's line should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Not energised: closed. The state at start, at the end and after every fault.
    Off,
    /// Energised: the door is released.
    On,
}

/// What the door's process learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorInput {
    /// The kiosk asks for something. Obeyed only while heartbeats come.
    Command(DoorCommand),
    /// The kiosk is alive and well.
    Heartbeat,
    /// The exit button as it is read now, bouncing or not.
    ExitButton {
        /// Whether it is pressed.
        pressed: bool,
    },
    /// The door contact as it is read now.
    Contact {
        /// Whether the door stands open.
        open: bool,
    },
    /// Something failed, in the kiosk or here.
    Fault(Fault),
    /// The kiosk hung up: its end of the pipe is closed.
    KioskGone,
    /// Time passed; due at [`DoorOutput::next`].
    Tick,
    /// The process ends. Nothing is served after it.
    Shutdown,
}

/// What happened at the door, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorEvent {
    /// The line went on for a command.
    Granted,
    /// A request to exit was served.
    ExitServed,
    /// The line went off.
    LineOff,
    /// A command came while the kiosk was not known to be alive, or within the rest after a pulse.
    CommandRefused,
    /// No heartbeat came in time, or the kiosk hung up.
    KioskLost,
    /// Heartbeats come, for the first time or again.
    KioskAlive,
    /// The door was opened although it was not released.
    Forced,
    /// The door has stood open for too long.
    Held,
    /// A door that was forced or held is closed again.
    Secured,
    /// A fault was reported, or the clock went backwards.
    Failed(Fault),
    /// The process ended.
    ShutDown,
}

/// The answer to one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorOutput {
    /// What the line must be now. Set it every time, not only when it changes.
    pub line: Line,
    /// When to call again with [`DoorInput::Tick`] at the latest; none when nothing is
    /// due.
    pub next: Option<Duration>,
    /// What happened, oldest first; mostly empty.
    pub events: Vec<DoorEvent>,
}
