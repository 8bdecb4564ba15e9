//! `gallery`: the gallery as a whole. `backup` writes and reads backups under a `passphrase`; `upkeep`
//! verifies, compacts, and says what a new model asks for. A kiosk that runs goes on and sees the changes.

mod backup;
mod passphrase;
mod upkeep;

use std::path::Path;

use crate::cli::{GalleryCommand, StoreArgs};
use crate::config::Config;
use crate::engines::GalleryPlace;
use crate::exit::{Exit, Failure};

pub fn execute(command: &GalleryCommand) -> Result<Exit, Failure> {
    match command {
        GalleryCommand::Export(args) => backup::export(args),
        GalleryCommand::Import(args) => backup::import(args),
        GalleryCommand::Check(args) => upkeep::check(args),
        GalleryCommand::Compact(args) => upkeep::compact(args),
        GalleryCommand::Migrate(args) => upkeep::migrate(args),
    }
}

/// The configuration, and the gallery that is there.
fn existing(args: &StoreArgs) -> Result<(Config, GalleryPlace), Failure> {
    let config = Config::load(&args.with.file)?;
    let dir = config.gallery(&args.gallery);
    match GalleryPlace::existing(&config, &dir)? {
        Some(place) => Ok((config, place)),
        None => Err(nothing(&dir)),
    }
}

fn nothing(dir: &Path) -> Failure {
    Failure::new(
        Exit::Gallery,
        format!("there is no gallery in {}: --gallery names another folder", dir.display()),
    )
}
