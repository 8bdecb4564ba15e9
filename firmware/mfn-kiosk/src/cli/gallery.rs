//! Arguments of `gallery`: backups, verification and upkeep.

use super::{Json, StoreArgs, WholeArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be done with a gallery as a whole.
#[derive(Subcommand, Debug)]
pub enum GalleryCommand {
    /// Write everybody to a backup under a passphrase
    #[command(after_help = "Example: mfn-kiosk gallery export /media/usb/door.mfnbackup")]
    Export(ExportArgs),
    /// Take over the people of a backup; exit code 3 when somebody was left out
    #[command(after_help = "Example: mfn-kiosk gallery import /media/usb/door.mfnbackup")]
    Import(ImportArgs),
    /// Verify every part of the gallery, change nothing; exit code 3 when something is damaged
    #[command(after_help = "Example: mfn-kiosk gallery check --json")]
    Check(WholeArgs),
    /// Write the gallery anew with an empty journal
    #[command(after_help = "Example: mfn-kiosk gallery compact")]
    Compact(WholeArgs),
    /// Say what a change of format or model asks for, change nothing; exit code 3 with the people to enrol
    /// again when the model is another one
    #[command(after_help = "Example: mfn-kiosk gallery migrate --models new-models")]
    Migrate(WholeArgs),
}

/// Arguments of `gallery export`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct ExportArgs {
    /// The backup
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `gallery import`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct ImportArgs {
    /// The backup
    pub file: PathBuf,
    /// Enrol people anew who were removed after the backup was made; without it they are left out
    #[arg(long)]
    pub readmit: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// Where the passphrase of a backup comes from.
#[derive(Args, Debug, Clone, Default)]
pub struct PassphraseArgs {
    /// File with the passphrase; without it systemd's credential mfn-backup-passphrase, else it is asked for
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}
