//! What the administrator's commands and a running kiosk say to each other over a Unix socket: requests,
//! replies, and their bytes. Pure: no socket, no clock, no gallery file. Whoever may open the socket may
//! send anything, so [`Request::parse`] takes any bytes and gives a request whose every part is checked.
//!
//! # On the wire
//! A message is a frame: `MFN` and the version (4 bytes), the length of what follows (4 bytes, little-endian,
//! at most [`MAX_REQUEST`] or [`MAX_REPLY`]), then that many bytes of JSON. A client sends one request; the
//! kiosk answers with any number of [`Reply::Progress`] and [`Reply::Person`], and one last reply. Frames of
//! another version are refused with both versions named: client and kiosk come from one release.

mod change;
mod frame;
mod reply;
mod request;
mod text;

pub use change::Change;
pub use frame::{HEADER, MAX_REPLY, MAX_REQUEST, VERSION, WireError, body_length, frame};
pub use reply::{Entry, EntryTemplate, Picture, Reply, Status};
pub use request::{MAX_REFERENCES, Reference, Request, Who, Whom};
