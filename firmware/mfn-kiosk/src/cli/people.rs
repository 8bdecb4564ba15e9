//! Arguments of the commands that make people known and change what is known of them.

use super::{GalleryDir, Json, Source, WithModels};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `enrol`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
#[command(group(clap::ArgGroup::new("from").required(true).args(["photo", "camera"])))]
pub struct EnrolArgs {
    /// The person's name
    pub name: String,
    /// Photographs of that person, one face on each, at most 32
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub photo: Vec<PathBuf>,
    /// Take frames from the camera until enough are good; a kiosk that runs lends its own
    #[arg(long)]
    pub camera: bool,
    #[command(flatten)]
    pub source: Source,
    /// With --camera: how many good frames
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub good_frames: u32,
    /// Add to the person of that name who is known already
    #[arg(long)]
    pub add: bool,
    #[command(flatten)]
    pub details: DetailArgs,
    /// Enrol in spite of a look-alike, of photographs that do not agree, or of low quality
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of commands about a gallery as a whole: `list`, `status`, `gallery check`, `compact` and `migrate`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct WholeArgs {
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of commands that only touch the gallery.
#[derive(Args, Debug, Clone)]
#[allow(missing_docs)]
pub struct StoreArgs {
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
}

/// Arguments of `rename`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct RenameArgs {
    /// The person: name, or number as `list` shows it (#3)
    pub person: String,
    /// The new name
    pub name: String,
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `edit`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct EditArgs {
    /// The person: name, or number as `list` shows it (#3)
    pub person: String,
    #[command(flatten)]
    pub details: DetailArgs,
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// What is kept about a person beside name and templates; dates as `dates::parse` takes them.
#[derive(Args, Debug, Clone, Default)]
pub struct DetailArgs {
    /// Group, for schedules; an empty one is none
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Not let in before; a date such as 2027-01-31 or 2027-01-31T17:30 (local time), or none
    #[arg(long, value_name = "DATE")]
    pub valid_from: Option<String>,
    /// Not let in from then on
    #[arg(long, value_name = "DATE")]
    pub valid_until: Option<String>,
    /// Removed from then on, by the kiosk itself
    #[arg(long, value_name = "DATE")]
    pub erase_after: Option<String>,
    /// Free text, at most 512 bytes
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// Arguments of commands that are about one person.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct PersonArgs {
    /// The person: name, or number as `list` shows it (#3)
    pub person: String,
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}
