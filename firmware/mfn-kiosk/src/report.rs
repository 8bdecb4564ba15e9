//! Output on standard output: lines for people, JSON for programs.

use std::io::{self, Write};

use mfn_gallery::Gallery;
use mfn_template::PersonId;
use serde::Serialize;

use crate::exit::{Exit, Failure};

/// The message of a failure that nobody needs to hear of: none.
const READER_GONE: &str = "";

/// Prints a line. A reader that has gone (`| head`) ends the program, quietly.
///
/// # Errors
/// Standard output cannot be written, as on a full disk.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Failure, READER_GONE)),
        result => {
            result.map_err(|e| Failure::new(Exit::Failure, format!("standard output cannot be written: {e}")))
        }
    }
}

/// Whether it is the failure of [`line()`] whose reader has gone.
pub fn is_reader_gone(failure: &Failure) -> bool {
    failure.error.to_string() == READER_GONE
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// As [`line()`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string(value)?)
}

/// A similarity or score as it is printed: three places.
pub fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

/// A person's name, or the number where the name is not known (any more).
pub fn name_of(gallery: &dyn Gallery, id: PersonId) -> String {
    gallery.person(id).map_or_else(|| id.to_string(), |person| person.name.to_string())
}
