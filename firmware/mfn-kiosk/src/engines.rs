//! Opens what most commands need: models behind the guard, and the gallery that belongs to them.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use mfn_engine::{Detector, Guard, GuardLimits, ModelFolder, Models, Precision, Recogniser};
use mfn_gallery::{Access, Description, FileGallery, GalleryError, GalleryKey};
use mfn_template::TemplateSpace;

use crate::cli::{GalleryDir, WithModels};
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::Pipeline;

/// Size of the detector's golden pictures, which fit no other input.
pub const GOLDEN_SIZE: (u32, u32) = (320, 256);

/// Where the chosen models are; no network is loaded yet.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The detector's folder.
    pub detector: ModelFolder,
    /// The recogniser's folder.
    pub recogniser: ModelFolder,
}

/// Finds the models that command line, configuration and environment name; the configuration then knows the
/// recogniser's threshold.
///
/// # Errors
/// None are named, or the folder lacks one or holds one that is broken or not trusted.
pub fn choose(config: &mut Config, with: &WithModels) -> Result<Chosen, Failure> {
    let models = Models::find_trusted(&config.models(with)?, &config.trust()?).or_exit(Exit::Models)?;
    let name = &config.settings.models.recogniser;
    let recogniser = models.recogniser((!name.is_empty()).then_some(name)).or_exit(Exit::Models)?;
    let space = recogniser.space().map(TemplateSpace::as_str);
    if let Some(calibration) = config.calibration().filter(|c| Some(c.space.as_str()) != space) {
        let what = format!(
            "decision.calibration was measured with {}, the recogniser makes {}: calibrate anew",
            calibration.space,
            space.unwrap_or("something else")
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    config.follow(recogniser);
    let precision = config.precision(with.precision)?;
    let recogniser = recogniser.clone().select(precision).or_exit(Exit::Models)?;
    let detector = models.detector().or_exit(Exit::Models)?.clone();
    let detector = if precision == Precision::Int8 { detector.prefer(precision) } else { detector };
    let threads = threads(config.settings.models.threads);
    Ok(Chosen { detector: detector.on_threads(threads), recogniser: recogniser.on_threads(threads) })
}

/// A number of threads whose range was checked; 0 for 1.
pub fn threads(checked: u32) -> NonZero<usize> {
    NonZero::new(checked as usize).unwrap_or(NonZero::<usize>::MIN)
}

impl Chosen {
    /// Loads both networks, one after the other, so that their peaks in memory do not add up, and checks their
    /// golden vectors: a wrong channel order, mean or scale shows here, before anybody is enrolled or let in.
    /// The detector's golden pictures fit one input size only.
    ///
    /// # Errors
    /// A network is refused.
    pub fn load(&self, config: &Config) -> Result<(Detector, Recogniser), Failure> {
        let guard = guard()?;
        let mut recogniser = Recogniser::load(&self.recogniser, &guard).or_exit(Exit::Models)?;
        recogniser.self_test(&self.recogniser).or_exit(Exit::Models)?;
        let options = config.detector();
        let fits = (options.width, options.height) == GOLDEN_SIZE;
        let mut detector = Detector::load(&self.detector, options, &guard).or_exit(Exit::Models)?;
        if fits {
            detector.self_test(&self.detector).or_exit(Exit::Models)?;
        }
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

    /// The gallery of this recogniser's templates in a folder.
    pub fn gallery_place(&self, config: &Config, dir: &Path) -> GalleryPlace {
        let (Some(space), Some(dimension)) = (self.recogniser.space(), self.recogniser.dimension()) else {
            unreachable!("a recogniser's manifest has a template space");
        };
        GalleryPlace { dir: dir.to_owned(), key_file: config.key_file(dir), space: space.clone(), dimension }
    }

    /// A gallery of its own with its own key in a folder that is soon gone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn gallery_in(&self, dir: &Path, access: Access) -> Result<FileGallery, GalleryError> {
        let GalleryPlace { space, dimension, .. } = self.gallery_place(&Config::default(), dir);
        let key_file = GalleryKey::path_for(dir, None);
        FileGallery::open_with_key_file(dir, &space, dimension, access, &key_file).map(|(gallery, _)| gallery)
    }

    /// Opens the gallery for this recogniser's templates.
    ///
    /// # Errors
    /// Its folder or file cannot be used, or it belongs to another recogniser.
    pub fn gallery(&self, config: &Config, dir: &GalleryDir, access: Access) -> Result<FileGallery, Failure> {
        self.gallery_place(config, &config.gallery(dir)).open(access)
    }
}

/// Where a gallery and its key are, and whose templates it holds.
#[derive(Clone, Debug)]
pub struct GalleryPlace {
    dir: PathBuf,
    key_file: PathBuf,
    space: TemplateSpace,
    dimension: usize,
}

impl GalleryPlace {
    /// The gallery that is in a folder, of whatever recogniser: for commands that need no networks. None
    /// when there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn existing(config: &Config, dir: &Path) -> Result<Option<GalleryPlace>, Failure> {
        let found = Description::of(dir).or_exit(Exit::Gallery)?;
        Ok(found.map(|found| GalleryPlace {
            dir: dir.to_owned(),
            key_file: config.key_file(dir),
            space: found.space,
            dimension: found.dimension,
        }))
    }

    /// Opens it. A writer makes a key where there is neither key nor gallery.
    ///
    /// # Errors
    /// The folder, the file or the key cannot be used, it belongs to another recogniser, or another process
    /// writes.
    pub fn open(&self, access: Access) -> Result<FileGallery, Failure> {
        let opened =
            FileGallery::open_with_key_file(&self.dir, &self.space, self.dimension, access, &self.key_file);
        let (gallery, made) = opened.or_exit(Exit::Gallery)?;
        if made {
            log::warn!(
                "made the gallery key {}: keep a copy elsewhere, nobody can be read without it",
                self.key_file.display()
            );
        }
        Ok(gallery)
    }

    /// Whose templates.
    pub fn space(&self) -> &TemplateSpace {
        &self.space
    }

    /// Values a template.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The key.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn key(&self) -> Result<GalleryKey, Failure> {
        GalleryKey::load(&self.key_file).or_exit(Exit::Gallery)
    }
}

/// The hidden command by which this program tries a stranger's network in a child process.
pub const GUARD_COMMAND: &str = "model-guard";

/// The guard that tries strangers' networks.
///
/// # Errors
/// This program's own path is unknown.
pub fn guard() -> Result<Guard, Failure> {
    let program = std::env::current_exe().or_exit(Exit::Models)?;
    Ok(Guard::new(program, [GUARD_COMMAND], GuardLimits::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_for_both_networks_and_16_bits_for_the_recogniser() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        for (precision, detector) in [
            (Precision::Fp32, Precision::Fp32),
            (Precision::Fp16, Precision::Fp32),
            (Precision::Int8, Precision::Int8),
        ] {
            let with = WithModels {
                models: Some(models.clone()),
                precision: Some(precision),
                ..WithModels::default()
            };
            let chosen = choose(&mut Config::default(), &with).unwrap();
            assert_eq!(chosen.detector.precision(), detector);
            assert_eq!(chosen.recogniser.precision(), precision.on_this_cpu());
        }
    }
}
