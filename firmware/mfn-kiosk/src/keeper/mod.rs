//! The door's own process: it alone owns the pins, so that the line closes whatever happens to the kiosk.
//! `process` is that process, `client` the kiosk's end of the pipe, `protocol` what goes through it.

mod client;
mod process;
mod protocol;

pub use client::{Keeper, KeeperNews};
pub use process::keep;
pub use protocol::{FromKeeper, ToKeeper, name_of};
