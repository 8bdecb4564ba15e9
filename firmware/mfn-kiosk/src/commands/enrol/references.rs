//! The faces that a person will be known by, from photographs or from the camera.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mfn_board::{Captured, Pace, open_camera};
use mfn_engine::QualityLimits;
use mfn_vision::{Detection, Frame, RgbImage, to_rgb};

use crate::config::CameraSetup;
use crate::exit::{Exit, Failure, OrExit};
use crate::photos::{self, KnownFace};
use crate::pipeline::Pipeline;
use crate::progress::Working;

/// Longest time in front of the camera.
const PATIENCE: Duration = Duration::from_secs(60);
/// Least time between two frames that are taken, so that they differ.
const BETWEEN: Duration = Duration::from_millis(300);

/// A face and where it came from.
#[derive(Debug)]
pub struct Reference {
    /// File or number of the frame.
    pub from: String,
    /// The face.
    pub face: KnownFace,
}

/// One face of each photograph.
///
/// # Errors
/// A photograph that cannot be read, or does not show exactly one face.
pub fn from_photos(pipeline: &mut Pipeline, photos: &[PathBuf]) -> Result<Vec<Reference>, Failure> {
    let working = Working::through(photos.len(), "reading photographs");
    let mut references = Vec::new();
    for path in photos {
        let face = photos::one_face(pipeline, path)?;
        references.push(Reference { from: path.display().to_string(), face });
        working.step();
    }
    Ok(references)
}

/// Takes frames until so many are good, and says what is wrong with the others.
///
/// # Errors
/// No camera, or not enough good frames before it ends or the patience does.
pub fn from_camera(
    pipeline: &mut Pipeline,
    setup: &CameraSetup,
    count: usize,
    limits: &QualityLimits,
) -> Result<Vec<Reference>, Failure> {
    let mut camera = open_camera(&setup.source, &setup.options).or_exit(Exit::Camera)?;
    let between = if setup.options.pace == Pace::Fastest { Duration::ZERO } else { BETWEEN };
    let working = Working::on("look at the camera");
    let (mut frame, mut picture) = (Frame::empty(), RgbImage::default());
    let (start, mut last) = (Instant::now(), None);
    let (mut references, mut advice) = (Vec::new(), "no frame came".to_owned());
    while references.len() < count && start.elapsed() < PATIENCE {
        match camera.capture(&mut frame) {
            Ok(Captured::Picture) => {}
            Ok(Captured::End) => break,
            Err(e) if e.is_passing() => {
                working.say(&e.to_string());
                continue;
            }
            Err(e) => return Err(e).or_exit(Exit::Camera),
        }
        if last.is_some_and(|at| frame.captured_at.saturating_sub(at) < between) {
            continue;
        }
        to_rgb(&frame, &mut picture).or_exit(Exit::Camera)?;
        match good_face(pipeline, &picture, limits)? {
            Ok(face) => {
                last = Some(frame.captured_at);
                references.push(Reference { from: format!("frame {}", frame.sequence), face });
                working.say(&format!("{} of {count} good; move the head a little", references.len()));
            }
            Err(why) => {
                working.say(&why);
                advice = why;
            }
        }
    }
    if references.len() < count {
        let what =
            format!("only {} of {count} good frames came; the last problem: {advice}", references.len());
        return Err(Failure::new(Exit::Photo, what));
    }
    Ok(references)
}

/// The one face of a frame if it is good enough, or what to do better.
fn good_face(
    pipeline: &mut Pipeline,
    picture: &RgbImage,
    limits: &QualityLimits,
) -> Result<Result<KnownFace, String>, Failure> {
    let detection: Detection = match pipeline.detect(picture)? {
        [] => return Ok(Err("no face in view".to_owned())),
        [one] => *one,
        several => return Ok(Err(format!("{} faces in view; one person only", several.len()))),
    };
    let (quality, template) = match pipeline.measure(&detection) {
        Ok(measured) => measured,
        Err(e) => return Ok(Err(e.to_string())),
    };
    Ok(match limits.check(&quality) {
        Ok(()) => Ok(KnownFace { detection, quality, template }),
        Err(issue) => Err(issue.to_string()),
    })
}
