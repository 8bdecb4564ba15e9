//! Where people are enrolled, renamed and removed. `apply` carries a request out on a gallery that is open
//! for writing; `serve` lets a running kiosk do that for the commands, through the Unix socket of `socket`, and
//! `attend` is what it does for one of them; `client` is the commands' side; `talk` is frames with deadlines.
//! What they say is in `mfn-admin`.

mod apply;
mod attend;
mod client;
mod serve;
mod socket;
mod talk;

pub use client::{ask, carry_out};
pub use serve::{Desk, Gathered, serve};
pub use socket::{Opened, Socket};
