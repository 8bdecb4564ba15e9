//! The command line, as `--help` shows it. Nothing here does anything.

mod bench;
mod gallery;
mod people;
mod photographs;

pub use bench::*;
pub use gallery::*;
pub use people::*;
pub use photographs::*;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A door that opens for the people it knows: camera to relay, on the device, without a cloud.
#[derive(Parser, Debug)]
#[command(name = "mfn-kiosk", version, after_long_help = crate::exit::table(), max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// The kiosk: camera to door until stopped
    #[command(after_help = "Example: mfn-kiosk run --config /etc/mfn-kiosk.toml")]
    Run(RunArgs),
    /// Portraits walk up to a simulated door: shows the whole program at work without camera or door
    #[command(after_help = "Example: mfn-kiosk demo --out demo-out")]
    Demo(DemoArgs),
    /// Make a person known, from photographs or in front of the camera
    #[command(
        alias = "enroll",
        after_help = "Example: mfn-kiosk enrol 'Ada Lovelace' --photo ada-1.jpg ada-2.jpg"
    )]
    Enrol(EnrolArgs),
    /// Who is known
    #[command(after_help = "Example: mfn-kiosk list --json")]
    List(WholeArgs),
    /// Give a person another name
    #[command(after_help = "Example: mfn-kiosk rename 'Ada Byron' 'Ada Lovelace'")]
    Rename(RenameArgs),
    /// Change a person's group, dates or note
    #[command(after_help = "Example: mfn-kiosk edit 'Ada Lovelace' --group staff --valid-until 2027-01-01")]
    Edit(EditArgs),
    /// Keep a person, but do not let in
    #[command(after_help = "Example: mfn-kiosk disable 'Ada Lovelace'")]
    Disable(PersonArgs),
    /// Let in a person again who was disabled
    #[command(after_help = "Example: mfn-kiosk enable 'Ada Lovelace'")]
    Enable(PersonArgs),
    /// Forget a person
    #[command(after_help = "Example: mfn-kiosk remove 'Ada Lovelace'")]
    Remove(PersonArgs),
    /// Backups, verification and upkeep of the gallery
    #[command(subcommand)]
    Gallery(GalleryCommand),
    /// How the running kiosk is; exit code 3 when none runs
    #[command(after_help = "Example: mfn-kiosk status --json")]
    Status(WholeArgs),
    /// Who is on photographs
    #[command(after_help = "Example: mfn-kiosk identify visitor.jpg")]
    Identify(IdentifyArgs),
    /// Whether two photographs show the same person
    #[command(after_help = "Example: mfn-kiosk verify passport.jpg visitor.jpg")]
    Verify(VerifyArgs),
    /// Where faces are on photographs
    #[command(after_help = "Example: mfn-kiosk detect group.jpg --draw faces/")]
    Detect(DetectArgs),
    /// Error rates of one's own gallery, and the threshold for a target
    #[command(
        after_help = "Example: mfn-kiosk calibrate --strangers visitors/ --save /etc/mfn-calibration.toml"
    )]
    Calibrate(CalibrateArgs),
    /// Milliseconds and memory of each stage
    #[command(
        after_help = "Examples:\n  mfn-kiosk bench --runs 50\n  mfn-kiosk bench --model network.onnx --size 320x256 --runs 100 --json\n  mfn-kiosk bench --model network.onnx --precision fp16"
    )]
    Bench(BenchArgs),
    /// Golden vectors, gallery, camera, and the door line read back; never energises the lock
    #[command(name = "self-test", after_help = "Example: mfn-kiosk self-test --config /etc/mfn-kiosk.toml")]
    SelfTest(SelfTestArgs),
    /// Every setting with its value, range and meaning, as a configuration file
    #[command(after_help = "Example: mfn-kiosk config > /etc/mfn-kiosk.toml")]
    Config(ConfigArgs),
    /// Owns the door line; started by `run`
    #[command(hide = true)]
    DoorKeeper(KeeperArgs),
    /// Tries a stranger's network; started before such a network is loaded
    #[command(hide = true)]
    ModelGuard,
}

/// Which configuration file.
#[derive(Args, Debug, Clone, Default)]
pub struct ConfigFile {
    /// Configuration file (TOML; `mfn-kiosk config` prints one with everything in it)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which models, and which configuration.
#[derive(Args, Debug, Clone, Default)]
pub struct WithModels {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: ConfigFile,
    /// Model folder; without it models.folder of the configuration, else the environment variable MFN_MODELS
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// The recogniser's arithmetic, fp32, fp16 or int8 (the detector's too where its folder has it); without it
    /// models.precision of the configuration
    #[arg(long)]
    pub precision: Option<mfn_engine::Precision>,
}

/// Which gallery.
#[derive(Args, Debug, Clone, Default)]
pub struct GalleryDir {
    /// Gallery folder; without it gallery.folder of the configuration, else $STATE_DIRECTORY,
    /// $XDG_STATE_HOME/mfn-kiosk, ~/.local/state/mfn-kiosk or /var/lib/mfn-kiosk
    #[arg(long, value_name = "DIR")]
    pub gallery: Option<PathBuf>,
}

/// `--json`.
#[derive(Args, Debug, Clone, Default)]
pub struct Json {
    /// Print JSON for programs, not text for people
    #[arg(long)]
    pub json: bool,
}

/// `--source`.
#[derive(Args, Debug, Clone, Default)]
pub struct Source {
    /// Camera, photograph, folder or video instead of camera.source of the configuration
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
}

/// Arguments of `run`.
#[derive(Args, Debug, Clone)]
#[allow(missing_docs)]
pub struct RunArgs {
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
    #[command(flatten)]
    pub source: Source,
    /// Stop after this many processed frames
    #[arg(long, value_name = "N")]
    pub frames: Option<u64>,
    /// Files as sources: as fast as frames are processed, none dropped (camera.pace = "fastest")
    #[arg(long)]
    pub as_fast: bool,
    /// Print people's names beside their numbers; without it only numbers appear
    #[arg(long)]
    pub names: bool,
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct DemoArgs {
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
    /// Folder with president-1.jpg, president-2.jpg, president-3.jpg, vice-president-1.jpg, astronaut-1.jpg
    #[arg(long, value_name = "DIR", default_value = "tests/fixtures")]
    pub faces: PathBuf,
    /// Where pictures go; without it target/demo where a folder `target` is, else demo-out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `self-test`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct SelfTestArgs {
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `config`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub file: ConfigFile,
}

/// Arguments of the door keeper.
#[derive(Args, Debug)]
pub struct KeeperArgs {
    /// The `[door]` settings as JSON
    pub door: String,
}
