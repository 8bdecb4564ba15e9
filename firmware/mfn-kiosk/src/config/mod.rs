//! The configuration: defaults, then the file, then the command line; checked once, here, into types that
//! the rest of the program can trust.

mod checked;
mod door;
mod folders;
mod models;
mod parse;
mod render;
mod schedules;
mod schema;
mod settings;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use mfn_board::{CameraOptions, CameraSource, Pace, Size};

pub use door::{DoorSetup, Input};
pub use render::render;
pub use schedules::Schedules;
pub use settings::{Door, Settings};

use crate::calibration::Calibration;
use crate::cli::{ConfigFile, GalleryDir, WithModels};
use crate::exit::{Exit, Failure};

/// A camera that can be opened.
#[derive(Clone, Debug)]
pub struct CameraSetup {
    /// Which.
    pub source: CameraSource,
    /// How.
    pub options: CameraOptions,
}

/// Settings, and the file that they came from for messages.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Every setting; numbers are within their ranges.
    pub settings: Settings,
    file: Option<PathBuf>,
    calibration: Option<Calibration>,
    /// That of the chosen recogniser, once it is known.
    model_threshold: Option<f32>,
}

impl Config {
    /// Defaults, or the file over them.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, has an unknown key or a value out of range, or its settings do
    /// not fit together.
    pub fn load(file: &ConfigFile) -> Result<Config, Failure> {
        let mut config = Config::load_uncalibrated(file)?;
        let path = &config.settings.decision.calibration;
        if !path.is_empty() {
            let calibration = Calibration::load(Path::new(path))?;
            if calibration.votes != config.settings.decision.votes {
                let what = format!("{path} was made for votes = {}: calibrate anew", calibration.votes);
                return Err(config.wrong("decision.calibration", what));
            }
            config.calibration = Some(calibration);
        }
        Ok(config)
    }

    /// The same without the file that `decision.calibration` names, which may be still to be made.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_uncalibrated(file: &ConfigFile) -> Result<Config, Failure> {
        let Some(path) = &file.config else { return Ok(Config::default()) };
        let text = std::fs::read_to_string(path).map_err(|e| {
            let what = format!("configuration {}: cannot be read: {e}", path.display());
            Failure::new(Exit::Usage, what)
        })?;
        let settings = parse::parse(&text)
            .map_err(|e| Failure::new(Exit::Usage, format!("configuration {}, {e}", path.display())))?;
        let config = Config { settings, file: Some(path.clone()), ..Config::default() };
        config.check()?;
        Ok(config)
    }

    /// Whatever a command is about, it says what another one would refuse.
    fn check(&self) -> Result<(), Failure> {
        self.camera(None, Instant::now())?;
        self.door()?;
        self.policy(0)?;
        self.schedules()?;
        self.precision(None)?;
        self.trust()?;
        self.check_detector()
    }

    /// What was measured, where the threshold follows from it.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// The folder with the models.
    ///
    /// # Errors
    /// Nobody named one.
    pub fn models(&self, with: &WithModels) -> Result<PathBuf, Failure> {
        let named = folders::models(with.models.as_deref(), &self.settings.models.folder, &|name| {
            std::env::var_os(name)
        });
        named.ok_or_else(|| {
            let what = "no model folder is named: use --models DIR, models.folder in the configuration, \
                        or the environment variable MFN_MODELS";
            Failure::new(Exit::Models, what)
        })
    }

    /// The folder with the gallery.
    pub fn gallery(&self, dir: &GalleryDir) -> PathBuf {
        folders::gallery(dir.gallery.as_deref(), &self.settings.gallery.folder, &|name| {
            std::env::var_os(name)
        })
    }

    /// The file with the key of the gallery in this folder.
    pub fn key_file(&self, gallery: &Path) -> PathBuf {
        folders::key_file(gallery, &self.settings.gallery.key_file, &|name| std::env::var_os(name))
    }

    /// The socket of the kiosk that runs on the gallery in this folder, unless there is to be none.
    pub fn socket(&self, gallery: &Path) -> Option<PathBuf> {
        folders::socket(gallery, &self.settings.admin.socket)
    }

    /// The camera; `source` is the command line's.
    ///
    /// # Errors
    /// A name that is no camera, no size or no pace.
    pub fn camera(&self, source: Option<&str>, start: Instant) -> Result<CameraSetup, Failure> {
        let camera = &self.settings.camera;
        let options = CameraOptions {
            size: self.parsed::<Size>("camera.size", &camera.size)?,
            pace: self.parsed::<Pace>("camera.pace", &camera.pace)?,
            repeat: camera.repeat,
            settle_frames: camera.settle_frames,
            stall_after: Duration::from_secs_f64(camera.stall_s),
            start,
        };
        let source = match source {
            Some(text) => text.parse().map_err(|e| Failure::new(Exit::Usage, format!("--source: {e}")))?,
            None => self.parsed("camera.source", &camera.source)?,
        };
        Ok(CameraSetup { source, options })
    }

    /// When groups may come in.
    ///
    /// # Errors
    /// A text that is no schedule.
    pub fn schedules(&self) -> Result<Schedules, Failure> {
        let lines = &self.settings.decision.schedules;
        Schedules::parse(lines).map_err(|e| self.wrong("decision.schedules", e))
    }

    /// The door's pins and times.
    ///
    /// # Errors
    /// A name that is no pin or no level.
    pub fn door(&self) -> Result<DoorSetup, Failure> {
        DoorSetup::check(&self.settings.door).map_err(|(key, what)| self.wrong(key, what))
    }

    /// A text setting as its type.
    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, key: &str, text: &str) -> Result<T, Failure> {
        text.parse().map_err(|e| self.wrong(key, e))
    }

    /// A usage failure that names the setting and its file.
    fn wrong(&self, key: &str, what: impl std::fmt::Display) -> Failure {
        let file = self.file.as_deref().unwrap_or(Path::new("(defaults)"));
        Failure::new(Exit::Usage, format!("configuration {}, {key}: {what}", file.display()))
    }
}
