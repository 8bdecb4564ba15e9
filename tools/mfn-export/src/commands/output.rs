//! What commands print on standard output: text for people, or one line of JSON.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{self, Write};

/// Prints text as it is. A reader that has had enough (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written, as on a full disk.
pub fn text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("standard output cannot be written"),
    }
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// As [`text()`].
pub fn json(value: &impl Serialize) -> Result<()> {
    text(&format!("{}\n", serde_json::to_string(value)?))
}
