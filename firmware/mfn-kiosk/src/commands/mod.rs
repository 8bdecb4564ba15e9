//! One file a command; each reads its arguments, does one thing, prints, and gives its exit code.

mod bench;
mod bench_model;
mod calibrate;
mod config;
mod demo;
mod details;
mod detect;
mod door_keeper;
mod edit;
mod enrol;
mod gallery;
mod identify;
mod list;
mod remove;
mod rename;
mod run;
mod self_test;
mod status;
mod verify;

use mfn_admin::{Reply, Request};
use mfn_gallery::Access;

use crate::cli::{Command, StoreArgs};
use crate::config::Config;
use crate::engines::GalleryPlace;
use crate::exit::{Exit, Failure};
use crate::office;

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
        Command::Edit(args) => edit::execute(&args),
        Command::Disable(args) => edit::enable(&args, false),
        Command::Enable(args) => edit::enable(&args, true),
        Command::Remove(args) => remove::execute(&args),
        Command::Gallery(command) => gallery::execute(&command),
        Command::Status(args) => status::execute(&args),
        Command::Identify(args) => identify::execute(&args),
        Command::Verify(args) => verify::execute(&args),
        Command::Detect(args) => detect::execute(&args),
        Command::Calibrate(args) => calibrate::execute(&args),
        Command::Bench(args) => bench::execute(&args),
        Command::SelfTest(args) => self_test::execute(&args),
        Command::Config(args) => config::execute(&args),
        Command::DoorKeeper(args) => door_keeper::execute(&args),
        Command::ModelGuard => unreachable!("main serves the guard before anything else"),
    }
}

/// A change of one person, as it was made.
struct Changed {
    id: u64,
    /// The name before.
    name: String,
    /// How many are known now.
    people: usize,
}

/// Changes a person, through the kiosk that runs or here; needs no networks.
fn change_person(args: &StoreArgs, person: &str, request: &Request) -> Result<Changed, Failure> {
    let config = Config::load(&args.with.file)?;
    let dir = config.gallery(&args.gallery);
    let open = || match GalleryPlace::existing(&config, &dir)? {
        Some(place) => place.open(Access::Write),
        None => {
            let shown: String = person.chars().filter(|c| !c.is_control()).take(80).collect();
            let what =
                format!("nobody named {shown:?} is enrolled: there is no gallery in {}", dir.display());
            Err(Failure::new(Exit::Gallery, what))
        }
    };
    match office::carry_out(&config, &dir, request, &open)? {
        Reply::Changed { id, name, people } => Ok(Changed { id, name, people }),
        _ => Err(Failure::new(Exit::Kiosk, "the running kiosk gave another answer")),
    }
}

/// A name, checked, with the exit code of a wrong command line.
fn checked_name(text: &str) -> Result<mfn_gallery::PersonName, Failure> {
    text.parse().map_err(|e| Failure::new(Exit::Usage, e))
}
