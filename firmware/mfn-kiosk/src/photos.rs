//! Faces of photographs, for the commands that read files.

use std::path::Path;

use mfn_engine::Quality;
use mfn_template::Template;
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{Detection, RgbImage};

use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::Pipeline;

/// A face with what it is known by.
#[derive(Debug)]
pub struct KnownFace {
    /// Where it is.
    pub detection: Detection,
    /// How good.
    pub quality: Quality,
    /// Its template.
    pub template: Template,
}

/// Reads a photograph.
///
/// # Errors
/// It is no picture, is broken, or is too large.
pub fn load(path: &Path) -> Result<RgbImage, Failure> {
    photo::load(path, &PhotoLimits::default()).or_exit(Exit::Photo)
}

/// Every face of a photograph with its template, nearest first.
///
/// # Errors
/// The photograph cannot be read, or a network failed.
pub fn faces(pipeline: &mut Pipeline, path: &Path) -> Result<Vec<KnownFace>, Failure> {
    let picture = load(path)?;
    let detections = pipeline.detect(&picture)?.to_vec();
    let measure = |detection: Detection| {
        let (quality, template) = pipeline
            .measure(&detection)
            .map_err(|e| Failure::new(Exit::Photo, format!("{}: {e}", path.display())))?;
        Ok(KnownFace { detection, quality, template })
    };
    detections.into_iter().map(measure).collect()
}

/// The one face of a photograph.
///
/// # Errors
/// As [`faces`], or there is none, or there are several.
pub fn one_face(pipeline: &mut Pipeline, path: &Path) -> Result<KnownFace, Failure> {
    let mut faces = faces(pipeline, path)?;
    match (faces.pop(), faces.len()) {
        (Some(face), 0) => Ok(face),
        (None, _) => {
            let what =
                "shows no face; use a photograph from the front, with the face at least 100 pixels wide";
            Err(Failure::new(Exit::Photo, format!("{} {what}", path.display())))
        }
        (Some(_), others) => {
            let what = format!(
                "{} shows {} faces; use a photograph of one person, or cut the others off",
                path.display(),
                others + 1
            );
            Err(Failure::new(Exit::Photo, what))
        }
    }
}
