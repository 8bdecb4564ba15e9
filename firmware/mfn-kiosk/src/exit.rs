//! Exit codes, and errors that carry one. The table in `--help` is made from the same list.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

/// How the program ended. The numbers are part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something went wrong that no other code names.
    Failure = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// It worked, and the answer is no.
    No = 3,
    /// The model folder is missing, broken or refused.
    Models = 4,
    /// The gallery cannot be opened, read or written.
    Gallery = 5,
    /// No camera, no permission, or no frames.
    Camera = 6,
    /// The door line or the process that owns it.
    Door = 7,
    /// A photograph, or the face in it, cannot be used.
    Photo = 8,
    /// The running kiosk cannot be asked.
    Kiosk = 9,
}

/// Every code with its meaning, as `--help` and the README print them.
const MEANINGS: [(Exit, &str); 10] = [
    (Exit::Ok, "done"),
    (Exit::Failure, "something else failed; the line on stderr says what"),
    (Exit::Usage, "the command line or the configuration is wrong"),
    (
        Exit::No,
        "it worked and the answer is no: unknown person, different persons, no face, demo or budget missed, gallery damaged or somebody left out, no kiosk runs",
    ),
    (Exit::Models, "the model folder is missing, broken or refused"),
    (
        Exit::Gallery,
        "the gallery cannot be opened, read or written, has no such person, or has that person already",
    ),
    (Exit::Camera, "no camera, no permission, or no frames from it"),
    (Exit::Door, "the door line, or the process that owns it"),
    (Exit::Photo, "a photograph cannot be read, or its face cannot be enrolled"),
    (Exit::Kiosk, "the running kiosk gives no answer, may not be asked, or none runs where one is needed"),
];

impl Exit {
    /// The code as a process ends with it.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    /// The code of another process of this program; a number that is none is [`Exit::Failure`].
    pub fn from_number(number: u8) -> Exit {
        let known = MEANINGS.iter().find(|(exit, _)| *exit as u8 == number);
        known.map_or(Exit::Failure, |(exit, _)| *exit)
    }

    /// `yes` becomes [`Exit::Ok`], `no` [`Exit::No`].
    pub fn answer(yes: bool) -> Exit {
        if yes { Exit::Ok } else { Exit::No }
    }
}

/// The table of exit codes for `--help`.
pub fn table() -> String {
    MEANINGS.iter().fold("Exit codes:".to_owned(), |mut text, (exit, meaning)| {
        let _ = write!(text, "\n  {}  {meaning}", *exit as u8);
        text
    })
}

/// An error with the exit code that it ends the program with.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What failed, where, and what to do; printed as one line.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure with a message of its own.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Failure {
        Failure { exit, error: anyhow::anyhow!("{message}") }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    /// Errors that nobody gave a code end with [`Exit::Failure`].
    fn from(error: E) -> Failure {
        Failure { exit: Exit::Failure, error: error.into() }
    }
}

/// Gives an error its exit code.
pub trait OrExit<T> {
    /// The value, or a failure with this code.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, error: error.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gaps_and_each_is_in_the_table() {
        for (i, (exit, _)) in MEANINGS.iter().enumerate() {
            assert_eq!(*exit as usize, i);
            assert_eq!(Exit::from_number(i as u8), *exit);
        }
        assert_eq!(table().lines().count(), MEANINGS.len() + 1);
    }

    #[test]
    fn both_readmes_have_this_very_table() {
        for readme in [include_str!("../../../README.md"), include_str!("../README.md")] {
            for (exit, meaning) in MEANINGS {
                let row = format!("| {} | {meaning} |", exit as u8);
                assert!(readme.lines().any(|line| line == row), "no line {row}");
            }
        }
    }

    #[test]
    fn an_error_keeps_the_code_that_it_was_given() {
        let result: Result<(), std::io::Error> = Err(std::io::ErrorKind::NotFound.into());
        assert_eq!(result.or_exit(Exit::Camera).unwrap_err().exit, Exit::Camera);
        assert_eq!(Failure::from(std::fmt::Error).exit, Exit::Failure);
    }
}
