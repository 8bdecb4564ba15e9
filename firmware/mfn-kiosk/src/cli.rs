//! The command line, as `--help` shows it. Nothing here does anything.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    List(ListArgs),
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
    Status(StatusArgs),
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
    /// The recogniser's arithmetic, fp32, fp16 or int8; without it models.precision of the configuration
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

/// Arguments of `list`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct ListArgs {
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
    Check(UpkeepArgs),
    /// Write the gallery anew with an empty journal
    #[command(after_help = "Example: mfn-kiosk gallery compact")]
    Compact(UpkeepArgs),
    /// Say what a change of format or model asks for, change nothing; exit code 3 with the people to enrol
    /// again when the model is another one
    #[command(after_help = "Example: mfn-kiosk gallery migrate --models new-models")]
    Migrate(UpkeepArgs),
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

/// Arguments of `gallery check`, `compact` and `migrate`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct UpkeepArgs {
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `status`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct StatusArgs {
    #[command(flatten)]
    pub gallery: StoreArgs,
    #[command(flatten)]
    pub json: Json,
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

/// Arguments of `identify`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct IdentifyArgs {
    /// Photographs
    #[arg(required = true, value_name = "FILE")]
    pub photos: Vec<PathBuf>,
    /// How many candidates to print for each face
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub candidates: u32,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct VerifyArgs {
    /// One photograph
    pub first: PathBuf,
    /// The other photograph
    pub second: PathBuf,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `detect`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct DetectArgs {
    /// Photographs
    #[arg(required = true, value_name = "FILE")]
    pub photos: Vec<PathBuf>,
    /// Write pictures with boxes and points: a .png or .jpg file for one photograph, else a folder
    #[arg(long, value_name = "OUT")]
    pub draw: Option<PathBuf>,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// Arguments of `calibrate`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct CalibrateArgs {
    /// Folder with photographs of people who are not enrolled: each a person, and each subfolder one person
    #[arg(long, value_name = "DIR")]
    pub strangers: Option<PathBuf>,
    /// The share of strangers' approaches that may be let in, instead of decision.target_fpir
    #[arg(long, value_name = "FPIR", value_parser = fpir)]
    pub target_fpir: Option<f64>,
    /// Write what was measured to a file for decision.calibration
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub gallery: GalleryDir,
    #[command(flatten)]
    pub json: Json,
}

/// The range of `decision.target_fpir`.
fn fpir(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n| (1e-6..=0.1).contains(n));
    number.ok_or_else(|| "a target is 0.000001 to 0.1, such as 0.001".to_owned())
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct BenchArgs {
    /// How often each stage runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,
    /// People in the gallery that is searched
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub people: u32,
    /// Photograph with a face
    #[arg(long, value_name = "FILE", default_value = "tests/fixtures/president-1.jpg")]
    pub photo: PathBuf,
    /// Time this network alone: any ONNX file with one input of 1x3xHxW; the file says whether it is one of floats
    /// or bytes, --precision fp16 computes floats in 16 bits
    #[arg(long, value_name = "FILE", conflicts_with_all = ["people", "photo", "config", "models"])]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub alone: Alone,
    #[command(flatten)]
    pub with: WithModels,
    #[command(flatten)]
    pub json: Json,
}

/// How `bench --model` runs its network.
#[derive(Args, Debug)]
pub struct Alone {
    /// Input width and height, where the file leaves them open
    #[arg(long, value_name = "WxH", requires = "model", value_parser = size)]
    pub size: Option<[usize; 2]>,
    /// Whose operators run it
    #[arg(long, value_enum, default_value_t, requires = "model")]
    pub operators: Operators,
    /// Threads that share a run; more than there are idle cores make it slower
    #[arg(long, value_name = "N", default_value_t = 1, requires = "model", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub threads: u32,
    /// Input values, little-endian f32, planes of the three channels; without it zeros
    #[arg(long, value_name = "FILE", requires = "model")]
    pub input: Option<PathBuf>,
    /// Where the outputs go, little-endian f32, one behind the other
    #[arg(long, value_name = "FILE", requires = "model")]
    pub output: Option<PathBuf>,
}

/// Whose operators run a network.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Operators {
    /// This project's, where there are some
    #[default]
    Own,
    /// The runtime's alone
    Tract,
}

/// Height and width from `WxH`.
fn size(text: &str) -> Result<[usize; 2], String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some([h.parse().ok()?, w.parse().ok()?]));
    parsed
        .filter(|size| size.iter().all(|side| (1..=4096).contains(side)))
        .ok_or_else(|| "not WxH, such as 320x256".into())
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
