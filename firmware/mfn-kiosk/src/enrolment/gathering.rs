//! The faces that a person will be known by, from photographs or from a camera.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mfn_admin::Reference;
use mfn_board::{Captured, Pace, open_camera};
use mfn_engine::QualityLimits;
use mfn_vision::{Detection, Frame, RgbImage, to_rgb};

use crate::config::CameraSetup;
use crate::exit::{Exit, Failure, OrExit};
use crate::photos;
use crate::pipeline::Pipeline;
use crate::progress::Working;

/// Longest time in front of the camera.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Least time between two frames that are taken, so that they differ.
const BETWEEN: Duration = Duration::from_millis(300);

/// References of photographs, and what is wrong with some.
#[derive(Debug, Default)]
pub struct Found {
    /// One a photograph.
    pub references: Vec<Reference>,
    /// Photographs under a limit, with which one.
    pub objections: Vec<String>,
}

/// One face of each photograph.
///
/// # Errors
/// A photograph that cannot be read, or does not show exactly one face.
pub fn from_photos(
    pipeline: &mut Pipeline,
    photos: &[PathBuf],
    limits: &QualityLimits,
) -> Result<Found, Failure> {
    let working = Working::through(photos.len(), "reading photographs");
    let mut found = Found::default();
    for path in photos {
        let face = photos::one_face(pipeline, path)?;
        let from = path.display().to_string();
        if let Err(issue) = limits.check(&face.quality) {
            found.objections.push(format!("{from}: {issue}"));
        }
        let quality = face.quality.score();
        found.references.push(Reference { from, template: face.template, quality });
        working.step();
    }
    Ok(found)
}

/// Takes frames of a camera of its own until so many are good, and says what is wrong with the others.
///
/// # Errors
/// No camera, or not enough good frames before it ends or the patience does.
pub fn from_camera(
    pipeline: &mut Pipeline,
    setup: &CameraSetup,
    mut gathering: Gathering,
) -> Result<Vec<Reference>, Failure> {
    let mut camera = open_camera(&setup.source, &setup.options).or_exit(Exit::Camera)?;
    if setup.options.pace == Pace::Fastest {
        gathering.between = Duration::ZERO;
    }
    let working = Working::on("look at the camera");
    let (mut frame, mut picture) = (Frame::empty(), RgbImage::default());
    while !gathering.is_over() {
        match camera.capture(&mut frame) {
            Ok(Captured::Picture) => {}
            Ok(Captured::End) => break,
            Err(e) if e.is_passing() => {
                working.say(&e.to_string());
                continue;
            }
            Err(e) => return Err(e).or_exit(Exit::Camera),
        }
        to_rgb(&frame, &mut picture).or_exit(Exit::Camera)?;
        let detections = pipeline.detect(&picture)?.to_vec();
        if let Some(said) = gathering.offer(pipeline, &detections, &frame) {
            working.say(said);
        }
    }
    gathering.finish()
}

/// Good frames so far, of a camera that somebody stands in front of.
pub struct Gathering {
    wanted: usize,
    limits: QualityLimits,
    between: Duration,
    start: Instant,
    /// When the last good frame was captured.
    last: Option<Duration>,
    good: Vec<Reference>,
    /// What the person was told last.
    said: String,
}

impl Gathering {
    /// Wants so many good frames.
    pub fn new(wanted: usize, limits: QualityLimits) -> Gathering {
        let said = "no frame came".to_owned();
        Gathering {
            wanted,
            limits,
            between: BETWEEN,
            start: Instant::now(),
            last: None,
            good: Vec::new(),
            said,
        }
    }

    /// All are there, or the patience is at its end.
    pub fn is_over(&self) -> bool {
        self.good.len() >= self.wanted || self.start.elapsed() >= PATIENCE
    }

    /// Takes the face of the picture that the pipeline holds if it is good enough. What to tell the person,
    /// where it is something new.
    pub fn offer(
        &mut self,
        pipeline: &mut Pipeline,
        detections: &[Detection],
        frame: &Frame,
    ) -> Option<&str> {
        if self.last.is_some_and(|at| frame.captured_at.saturating_sub(at) < self.between) {
            return None;
        }
        let said = match self.judge(pipeline, detections, frame) {
            Ok(reference) => {
                self.last = Some(frame.captured_at);
                self.good.push(reference);
                format!("{} of {} good; move the head a little", self.good.len(), self.wanted)
            }
            Err(why) => why,
        };
        let is_new = said != self.said;
        self.said = said;
        is_new.then_some(self.said.as_str())
    }

    /// The one face if it is good enough, or what to do better.
    fn judge(
        &self,
        pipeline: &mut Pipeline,
        detections: &[Detection],
        frame: &Frame,
    ) -> Result<Reference, String> {
        let detection = match detections {
            [] => return Err("no face in view".to_owned()),
            [one] => one,
            several => return Err(format!("{} faces in view; one person only", several.len())),
        };
        let (quality, template) = pipeline.measure(detection).map_err(|e| e.to_string())?;
        self.limits.check(&quality).map_err(|issue| issue.to_string())?;
        Ok(Reference { from: format!("frame {}", frame.sequence), template, quality: quality.score() })
    }

    /// The good frames.
    ///
    /// # Errors
    /// Fewer than wanted.
    pub fn finish(self) -> Result<Vec<Reference>, Failure> {
        if self.good.len() >= self.wanted {
            return Ok(self.good);
        }
        let what = format!(
            "only {} of {} good frames came; the last problem: {}",
            self.good.len(),
            self.wanted,
            self.said
        );
        Err(Failure::new(Exit::Photo, what))
    }
}
