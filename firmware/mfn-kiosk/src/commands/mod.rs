//! One file a command; each reads its arguments, does one thing, prints, and gives its exit code.

mod bench;
mod config;
mod demo;
mod detect;
mod door_keeper;
mod enrol;
mod identify;
mod list;
mod remove;
mod rename;
mod run;
mod self_test;
mod verify;

use mfn_gallery::{Gallery, Person};
use mfn_template::PersonId;

use crate::cli::Command;
use crate::exit::{Exit, Failure};

/// Does what the command line says.
///
/// # Errors
/// What failed, with its exit code.
pub fn execute(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::execute(&args),
        Command::Demo(args) => demo::execute(&args),
        Command::Enrol(args) => enrol::execute(&args),
        Command::List(args) => list::execute(&args),
        Command::Rename(args) => rename::execute(&args),
        Command::Remove(args) => remove::execute(&args),
        Command::Identify(args) => identify::execute(&args),
        Command::Verify(args) => verify::execute(&args),
        Command::Detect(args) => detect::execute(&args),
        Command::Bench(args) => bench::execute(&args),
        Command::SelfTest(args) => self_test::execute(&args),
        Command::Config(args) => config::execute(&args),
        Command::DoorKeeper(args) => door_keeper::execute(&args),
        Command::ModelGuard => unreachable!("main serves the guard before anything else"),
    }
}

/// The person whom a command line names: by name, or by number as `#3`.
fn person_named<'a>(gallery: &'a dyn Gallery, text: &str) -> Result<&'a Person, Failure> {
    let by_number = || {
        let number = text.strip_prefix('#')?.parse().ok()?;
        gallery.person(PersonId(number))
    };
    gallery.find(text).or_else(by_number).ok_or_else(|| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        Failure::new(
            Exit::Gallery,
            format!("nobody named {shown:?} is enrolled; `mfn-kiosk list` shows who is"),
        )
    })
}

/// A name, checked, with the exit code of a wrong command line.
fn checked_name(text: &str) -> Result<mfn_gallery::PersonName, Failure> {
    text.parse().map_err(|e| Failure::new(Exit::Usage, e))
}
