//! Opens what most commands need: models behind the guard, and the gallery that belongs to them.

use std::path::{Path, PathBuf};

use mfn_engine::{Detector, Guard, GuardLimits, ModelFolder, Models, Recogniser};
use mfn_gallery::{Access, FileGallery, GalleryError, GalleryKey};

use crate::cli::{GalleryDir, WithModels};
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::Pipeline;

/// Size of the detector's golden pictures, which fit no other input.
pub const GOLDEN_SIZE: (u32, u32) = (320, 256);

/// Where the chosen models are; no network is loaded yet.
pub struct Chosen {
    /// The detector's folder.
    pub detector: ModelFolder,
    /// The recogniser's folder.
    pub recogniser: ModelFolder,
}

/// Finds the models that command line, configuration and environment name.
///
/// # Errors
/// None are named, or the folder lacks one or holds a broken one.
pub fn choose(config: &Config, with: &WithModels) -> Result<Chosen, Failure> {
    let models = Models::find(&config.models(with)?).or_exit(Exit::Models)?;
    let name = &config.settings.models.recogniser;
    let recogniser = models.recogniser((!name.is_empty()).then_some(name)).or_exit(Exit::Models)?;
    Ok(Chosen { detector: models.detector().or_exit(Exit::Models)?.clone(), recogniser: recogniser.clone() })
}

impl Chosen {
    /// Loads both networks, one after the other, so that their peaks in memory do not add up.
    ///
    /// # Errors
    /// A network is refused.
    pub fn load(&self, config: &Config) -> Result<(Detector, Recogniser), Failure> {
        let guard = guard()?;
        let recogniser = Recogniser::load(&self.recogniser, &guard).or_exit(Exit::Models)?;
        let detector = Detector::load(&self.detector, config.detector(), &guard).or_exit(Exit::Models)?;
        Ok((detector, recogniser))
    }

    /// Loads both networks into a pipeline.
    ///
    /// # Errors
    /// A network is refused.
    pub fn pipeline(&self, config: &Config) -> Result<Pipeline, Failure> {
        let (detector, recogniser) = self.load(config)?;
        Ok(Pipeline::new(detector, recogniser, config.settings.detector.compare as usize))
    }

    /// Opens the gallery for this recogniser's templates.
    ///
    /// # Errors
    /// Its folder or file cannot be used, or it belongs to another recogniser.
    pub fn gallery(&self, config: &Config, dir: &GalleryDir, access: Access) -> Result<FileGallery, Failure> {
        self.gallery_in(&config.gallery(dir), access).or_exit(Exit::Gallery)
    }

    /// As [`Chosen::gallery`], in a folder that is known already.
    ///
    /// # Errors
    /// The same.
    pub fn gallery_in(&self, dir: &Path, access: Access) -> Result<FileGallery, GalleryError> {
        let (Some(space), Some(dimension)) = (self.recogniser.space(), self.recogniser.dimension()) else {
            unreachable!("a recogniser's manifest has a template space");
        };
        FileGallery::open(dir, space, dimension, access, &gallery_key(dir)?)
    }
}

/// The key of the gallery in a folder: systemd's credential, or the file beside the folder, made when missing.
fn gallery_key(gallery: &Path) -> Result<GalleryKey, GalleryError> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let path = GalleryKey::path_for(gallery, credentials.as_deref());
    let (key, made) = GalleryKey::load_or_create(&path)?;
    if made {
        log::warn!(
            "made the gallery key {}: keep a copy elsewhere, nobody can be read without it",
            path.display()
        );
    }
    Ok(key)
}

/// The hidden command by which this program tries a stranger's network in a child process.
pub const GUARD_COMMAND: &str = "model-guard";

fn guard() -> Result<Guard, Failure> {
    let program = std::env::current_exe().or_exit(Exit::Models)?;
    Ok(Guard::new(program, [GUARD_COMMAND], GuardLimits::default()))
}
