//! One frame through the networks: frame to picture to detections to aligned face to template to
//! candidates. The same steps serve `run`, `demo` and the commands for photographs.

use std::time::{Duration, Instant};

use mfn_access::{Face, FaceBox, Probe, QualityIssue as Issue, Sighting, WeekMinute};
use mfn_engine::{Detector, EngineError, Quality, QualityIssue, QualityLimits, Recogniser};
use mfn_gallery::{Gallery, Restriction};
use mfn_template::Template;
use mfn_vision::{AlignError, AlignedFace, Detection, Frame, FrameError, RgbImage, align, to_rgb};

/// The margin to the next person needs two candidates.
const CANDIDATES: usize = 2;

/// Why a frame could not be processed. The next one can.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The frame is not what it says.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a face has no template.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Its points are no face's.
    #[error("the face cannot be aligned: {0}")]
    Align(#[from] AlignError),
    /// The recogniser failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Time spent in each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Stages<T> {
    /// Frame to picture.
    pub convert: T,
    /// Picture to detections.
    pub detect: T,
    /// Detection to aligned face, and its quality.
    pub align: T,
    /// Aligned face to template.
    pub embed: T,
    /// Template to candidates.
    pub search: T,
}

impl Stages<Duration> {
    /// Adds another frame's times.
    pub fn add(&mut self, other: &Stages<Duration>) {
        self.convert += other.convert;
        self.detect += other.detect;
        self.align += other.align;
        self.embed += other.embed;
        self.search += other.search;
    }

    /// Mean milliseconds of `n` frames.
    pub fn milliseconds(&self, n: u64) -> Stages<f64> {
        let mean = |d: Duration| {
            let ms = d.as_secs_f64() * 1000.0 / n.max(1) as f64;
            (ms * 1000.0).round() / 1000.0
        };
        Stages {
            convert: mean(self.convert),
            detect: mean(self.detect),
            align: mean(self.align),
            embed: mean(self.embed),
            search: mean(self.search),
        }
    }
}

/// One face of the last frame.
#[derive(Clone, Debug)]
pub struct SeenFace {
    /// Where.
    pub detection: Detection,
    /// Who it may be.
    pub probe: Probe,
}

/// The networks and the buffers that are reused from frame to frame.
pub struct Pipeline {
    detector: Detector,
    recogniser: Recogniser,
    compare: usize,
    picture: RgbImage,
    aligned: AlignedFace,
    detections: Vec<Detection>,
    faces: Vec<SeenFace>,
    times: Stages<Duration>,
}

impl Pipeline {
    /// A pipeline that compares at most `compare` faces of a frame with the gallery, nearest first.
    pub fn new(detector: Detector, recogniser: Recogniser, compare: usize) -> Pipeline {
        Pipeline {
            detector,
            recogniser,
            compare,
            picture: RgbImage::default(),
            aligned: AlignedFace::default(),
            detections: Vec::new(),
            faces: Vec::new(),
            times: Stages::default(),
        }
    }

    /// Processes a frame; [`Pipeline::faces`] then tells who of the people `among` is on it.
    ///
    /// # Errors
    /// The frame is broken or a network failed.
    pub fn look(
        &mut self,
        frame: &Frame,
        gallery: &dyn Gallery,
        among: &Restriction<'_>,
    ) -> Result<(), LookError> {
        self.times = Stages::default();
        self.faces.clear();
        let start = Instant::now();
        to_rgb(frame, &mut self.picture)?;
        self.times.convert = start.elapsed();
        self.find()?;
        for index in 0..self.detections.len() {
            let detection = self.detections[index];
            let face = if index < self.compare {
                self.compare(detection, gallery, among)?
            } else {
                SeenFace { detection, probe: Probe::Missing }
            };
            self.faces.push(face);
        }
        Ok(())
    }

    /// The faces of a photograph, nearest (largest) first.
    ///
    /// # Errors
    /// The detector failed.
    pub fn detect(&mut self, picture: &RgbImage) -> Result<&[Detection], EngineError> {
        self.picture.clone_from(picture);
        self.find()?;
        Ok(&self.detections)
    }

    /// Template and quality of a face of the picture that was last looked at.
    ///
    /// # Errors
    /// The points are no face's, or the recogniser failed.
    pub fn measure(&mut self, detection: &Detection) -> Result<(Quality, Template), MeasureError> {
        let start = Instant::now();
        align(&self.picture, &detection.landmarks, &mut self.aligned)?;
        let quality = Quality::assess(detection, &self.aligned);
        self.times.align += start.elapsed();
        let start = Instant::now();
        let template = self.recogniser.embed(&self.aligned)?;
        self.times.embed += start.elapsed();
        Ok((quality, template))
    }

    /// Faces of the last frame, nearest first.
    pub fn faces(&self) -> &[SeenFace] {
        &self.faces
    }

    /// The last frame as a picture.
    pub fn picture(&self) -> &RgbImage {
        &self.picture
    }

    /// The last frame's times.
    pub fn times(&self) -> &Stages<Duration> {
        &self.times
    }

    /// What the last frame tells the decision; `local_time` is none while the clock is not set.
    pub fn sighting(&self, frame: &Frame, local_time: Option<WeekMinute>) -> Sighting {
        let size = (self.picture.width() as f32, self.picture.height() as f32);
        let face = |seen: &SeenFace| Face { area: area(&seen.detection, size), probe: seen.probe.clone() };
        Sighting {
            sequence: frame.sequence,
            captured: frame.captured_at,
            local_time,
            faces: self.faces.iter().map(face).collect(),
        }
    }

    fn find(&mut self) -> Result<(), EngineError> {
        let start = Instant::now();
        self.detector.detect(&self.picture, &mut self.detections)?;
        self.detections.sort_by(|a, b| b.face.area().total_cmp(&a.face.area()));
        self.times.detect = start.elapsed();
        Ok(())
    }

    /// A face whose points are no face's is there, but nobody.
    fn compare(
        &mut self,
        detection: Detection,
        gallery: &dyn Gallery,
        among: &Restriction<'_>,
    ) -> Result<SeenFace, LookError> {
        let missing = SeenFace { detection, probe: Probe::Missing };
        let start = Instant::now();
        let aligned = align(&self.picture, &detection.landmarks, &mut self.aligned);
        if aligned.is_err() {
            return Ok(missing);
        }
        let quality = Quality::assess(&detection, &self.aligned);
        self.times.align += start.elapsed();
        if let Err(issue) = QualityLimits::VOTE.check(&quality) {
            return Ok(SeenFace { probe: Probe::Poor(poor(&issue)), ..missing });
        }
        let start = Instant::now();
        let template = match self.recogniser.embed(&self.aligned) {
            Err(EngineError::Template { .. }) => return Ok(missing),
            result => result?,
        };
        self.times.embed += start.elapsed();
        let start = Instant::now();
        let candidates = gallery.search_among(&template, CANDIDATES, among);
        self.times.search += start.elapsed();
        Ok(SeenFace { detection, probe: Probe::Compared(candidates) })
    }
}

/// A box in parts of the frame.
fn area(detection: &Detection, (width, height): (f32, f32)) -> FaceBox {
    let face = &detection.face;
    FaceBox { x: face.x / width, y: face.y / height, width: face.w / width, height: face.h / height }
}

/// The engine's words for the decision's.
fn poor(issue: &QualityIssue) -> Issue {
    match issue {
        QualityIssue::TooSmall { .. } => Issue::TooSmall,
        QualityIssue::TurnedAway { .. } | QualityIssue::Nodded { .. } | QualityIssue::Tilted { .. } => {
            Issue::TurnedAway
        }
        QualityIssue::TooDark { .. } | QualityIssue::Clipped { .. } => Issue::TooDark,
        QualityIssue::TooBright { .. } => Issue::TooBright,
        QualityIssue::Blurred { .. } => Issue::Blurred,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::Rect;

    #[test]
    fn boxes_are_told_in_parts_of_the_frame() {
        let face = Rect { x: 64.0, y: 48.0, w: 160.0, h: 240.0 };
        let area = area(&Detection { face, ..Detection::default() }, (640.0, 480.0));
        assert_eq!(area, FaceBox { x: 0.1, y: 0.1, width: 0.25, height: 0.5 });
    }

    #[test]
    fn means_are_milliseconds_a_frame() {
        let mut sum = Stages::default();
        let frame = Stages { detect: Duration::from_millis(9), ..Stages::default() };
        (0..4).for_each(|_| sum.add(&frame));
        assert_eq!(sum.milliseconds(4).detect, 9.0);
        assert_eq!(Stages::<Duration>::default().milliseconds(0).embed, 0.0);
    }
}
