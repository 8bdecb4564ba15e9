//! The detector: from a frame of any size to the faces in it.

use mfn_vision::{Detection, Landmarks, Point, Rect, RgbImage, fit};

use crate::decode::{Cells, STRIDES, decode, suppress};
use crate::error::{EngineError, ModelError};
use crate::folder::ModelFolder;
use crate::golden::{self, DetectorTest};
use crate::guard::Guard;
use crate::manifest::ModelKind;
use crate::network::{Network, Spec};
use crate::planes::Planes;
use crate::precision::Precision;
use crate::tiles::tiles;

/// Largest input side. At 2048 squared the network alone takes 600 MB.
const MAX_SIDE: u32 = 2048;
/// Values a cell of the four kinds of output, in their order: cls, obj, bbox, kps.
const VALUES: [usize; 4] = [1, 1, 4, 10];
/// What the golden faces may be off by: score, and pixels.
const GOLDEN_LIMITS: (f32, f32) = (0.01, 0.1);
/// The same in bytes; the shipped network's are off by about half of it.
const GOLDEN_LIMITS_INT8: (f32, f32) = (0.1, 2.0);
/// The golden faces are those of at least this score, at this overlap, as single cells gave them.
const GOLDEN_OPTIONS: (f32, f32, f32) = (0.5, 0.3, 1.0);

/// How a detector looks at frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorOptions {
    /// Width of the network's input in pixels, a multiple of 32.
    pub width: u32,
    /// Height of the network's input in pixels, a multiple of 32.
    pub height: u32,
    /// Lowest score of a face, 0 to 1.
    pub score: f32,
    /// Faces that overlap a better one by more than this are dropped (intersection over union, 0 to 1).
    pub iou: f32,
    /// Faces that overlap a better one by more than this are the same one, and its points become the mean of theirs,
    /// weighted by score. 1: they stay.
    pub blend: f32,
    /// Also looks at four overlapping parts of the frame at 1.8 times the scale: faces of half the size are
    /// found, at five times the time.
    pub small_faces: bool,
}

impl Default for DetectorOptions {
    /// 320x256, score 0.72 (from which on the shipped detector finds a face where there is none in 1 of 720 frames),
    /// overlap 0.3, of the same face 0.6, no second look.
    fn default() -> DetectorOptions {
        DetectorOptions { width: 320, height: 256, score: 0.72, iou: 0.3, blend: 0.6, small_faces: false }
    }
}

/// A detector that is ready to run; its buffers are reused from frame to frame.
pub struct Detector {
    network: Network,
    planes: Planes,
    options: DetectorOptions,
    precision: Precision,
    /// The frame, or a part of it, at the network's input size.
    input: RgbImage,
    /// A part of the frame; only used for small faces.
    part: RgbImage,
}

impl Detector {
    /// Loads the chosen network of a model folder, behind the guard unless this program knows its hash.
    ///
    /// # Errors
    /// When the folder holds no detector, the options do not fit it, or its network is refused.
    pub fn load(
        folder: &ModelFolder,
        options: DetectorOptions,
        guard: &Guard,
    ) -> Result<Detector, ModelError> {
        if folder.kind() != ModelKind::Detector {
            return Err(folder.wrong_kind(ModelKind::Detector));
        }
        let manifest = folder.manifest();
        check_size(&options, manifest.input.size)
            .map_err(|reason| ModelError::Options { network: manifest.name.clone(), reason })?;
        let spec = Spec {
            input: manifest.input.name.clone(),
            shape: [1, 3, options.height as usize, options.width as usize],
            outputs: manifest.outputs.clone(),
            lengths: lengths(&options),
        };
        Ok(Detector {
            network: folder.load_network(&spec, guard)?,
            planes: Planes::new(&manifest.input),
            options,
            precision: folder.precision(),
            input: RgbImage::new(options.width, options.height),
            part: RgbImage::default(),
        })
    }

    /// The options that it was loaded with.
    #[must_use]
    pub fn options(&self) -> &DetectorOptions {
        &self.options
    }

    /// Finds the faces of a frame, best first, in pixels of the frame. Replaces what `found` held. Boxes may
    /// reach over the frame's edges.
    ///
    /// # Errors
    /// When the network fails; `found` then holds no face.
    pub fn detect(&mut self, frame: &RgbImage, found: &mut Vec<Detection>) -> Result<(), EngineError> {
        found.clear();
        let result = self.look(frame, found);
        match result {
            Ok(()) => suppress(found, self.options.iou, self.options.blend),
            Err(_) => found.clear(),
        }
        result
    }

    fn look(&mut self, frame: &RgbImage, found: &mut Vec<Detection>) -> Result<(), EngineError> {
        self.pass(frame, found)?;
        if self.options.small_faces {
            let mut part = std::mem::take(&mut self.part);
            let looked = self.look_closer(frame, &mut part, found);
            self.part = part;
            looked?;
        }
        Ok(())
    }

    fn look_closer(
        &mut self,
        frame: &RgbImage,
        part: &mut RgbImage,
        found: &mut Vec<Detection>,
    ) -> Result<(), EngineError> {
        let size = (frame.width(), frame.height());
        for tile in tiles(size, (self.options.width, self.options.height)) {
            tile.cut(frame, part);
            let first = found.len();
            self.pass(part, found)?;
            tile.keep_whole(size, found, first);
        }
        Ok(())
    }

    /// Adds the faces of one picture, in its pixels.
    fn pass(&mut self, picture: &RgbImage, found: &mut Vec<Detection>) -> Result<(), EngineError> {
        let scale = fit(picture, &mut self.input);
        if scale <= 0.0 {
            return Ok(());
        }
        let first = found.len();
        let (options, input, planes) = (&self.options, &self.input, &self.planes);
        self.network
            .run(|values| planes.fill(input.data(), values), |outputs| decode_all(outputs, options, found))?;
        found[first..].iter_mut().for_each(|face| *face = unscaled(face, scale));
        Ok(())
    }

    /// Runs the golden pictures of the folder that this detector was loaded from. Only possible at their size.
    ///
    /// # Errors
    /// When a face differs by more than 0.01 in score or 0.1 pixels (int8: 0.1 and 2 pixels); or the golden vectors
    /// cannot be read.
    pub fn self_test(&mut self, folder: &ModelFolder) -> Result<DetectorTest, EngineError> {
        let options = self.options;
        (self.options.score, self.options.iou, self.options.blend) = GOLDEN_OPTIONS;
        self.options.small_faces = false;
        let result = self.compare_golden(folder);
        self.options = options;
        result
    }

    fn compare_golden(&mut self, folder: &ModelFolder) -> Result<DetectorTest, EngineError> {
        let mut total = DetectorTest { faces: 0, largest_score_difference: 0.0, largest_shift: 0.0 };
        let mut found = Vec::new();
        for (picture, golden) in golden::pictures(folder)? {
            self.detect(&picture, &mut found)?;
            let test = golden::compare_faces(&golden, &found).ok_or_else(|| {
                self.fails(format!("{} faces found, {} expected", found.len(), golden.len()))
            })?;
            total.faces += test.faces;
            total.largest_shift = total.largest_shift.max(test.largest_shift);
            total.largest_score_difference =
                total.largest_score_difference.max(test.largest_score_difference);
        }
        self.judge(total)
    }

    fn judge(&self, test: DetectorTest) -> Result<DetectorTest, EngineError> {
        let (score, shift) = match self.precision {
            Precision::Fp32 | Precision::Fp16 => GOLDEN_LIMITS,
            Precision::Int8 => GOLDEN_LIMITS_INT8,
        };
        if test.largest_score_difference <= score && test.largest_shift <= shift {
            return Ok(test);
        }
        Err(self.fails(format!(
            "a golden face differs by {:.4} in score and {:.2} pixels, allowed are {score} and {shift}",
            test.largest_score_difference, test.largest_shift
        )))
    }

    fn fails(&self, reason: String) -> EngineError {
        EngineError::SelfTest { network: self.network.name().to_owned(), reason }
    }
}

fn check_size(options: &DetectorOptions, fixed: Option<[u32; 2]>) -> Result<(), String> {
    let DetectorOptions { width, height, score, iou, blend, .. } = *options;
    let fits = |side: u32| side > 0 && side.is_multiple_of(32) && side <= MAX_SIDE;
    if !fits(width) || !fits(height) {
        return Err(format!("its input size {width}x{height} must be multiples of 32 from 32 to {MAX_SIDE}"));
    }
    if let Some([w, h]) = fixed.filter(|size| *size != [width, height]) {
        return Err(format!("its input size {width}x{height} cannot be chosen, it is {w}x{h}"));
    }
    if !(score > 0.0 && score <= 1.0 && [iou, blend].iter().all(|share| (0.0..=1.0).contains(share))) {
        return Err(format!("its score {score} and overlaps {iou} and {blend} must be over 0 and at most 1"));
    }
    Ok(())
}

/// The outputs come as cls at all strides, then obj, bbox, kps.
fn lengths(options: &DetectorOptions) -> Vec<usize> {
    let cells = |stride: usize| (options.width as usize / stride) * (options.height as usize / stride);
    VALUES.iter().flat_map(|values| STRIDES.map(|stride| values * cells(stride))).collect()
}

fn decode_all(outputs: &[&[f32]], options: &DetectorOptions, found: &mut Vec<Detection>) {
    for (index, stride) in STRIDES.into_iter().enumerate() {
        let [cls, obj, bbox, kps] = std::array::from_fn(|kind| outputs[kind * STRIDES.len() + index]);
        let columns = options.width as usize / stride;
        decode(&Cells { stride, columns, cls, obj, bbox, kps }, options.score, found);
    }
}

/// From pixels of the network's input to those of the picture that was fitted into it. Positions count from
/// pixel centres, so the first pixel's centre stays half a (scaled) pixel from the edge.
fn unscaled(face: &Detection, scale: f32) -> Detection {
    let back = |v: f32| (v + 0.5) / scale - 0.5;
    let Rect { x, y, w, h } = face.face;
    Detection {
        score: face.score,
        face: Rect { x: back(x), y: back(y), w: w / scale, h: h / scale },
        landmarks: Landmarks(face.landmarks.0.map(|p| Point { x: back(p.x), y: back(p.y) })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_thresholds_are_checked() {
        let good = DetectorOptions::default();
        assert_eq!(check_size(&good, None), Ok(()));
        assert_eq!(check_size(&good, Some([320, 256])), Ok(()));
        assert!(check_size(&good, Some([640, 480])).unwrap_err().contains("it is 640x480"));
        for bad in [
            DetectorOptions { width: 330, ..good },
            DetectorOptions { height: 0, ..good },
            DetectorOptions { width: 1 << 20, ..good },
            DetectorOptions { score: f32::NAN, ..good },
            DetectorOptions { iou: 1.5, ..good },
        ] {
            assert!(check_size(&bad, None).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn boxes_come_back_to_the_frame() {
        let landmarks = Landmarks([Point { x: 9.5, y: 19.5 }; 5]);
        let face = Rect { x: 9.5, y: 19.5, w: 30.0, h: 40.0 };
        let back = unscaled(&Detection { score: 0.9, face, landmarks }, 0.5);
        assert_eq!(back.face, Rect { x: 19.5, y: 39.5, w: 60.0, h: 80.0 });
        assert_eq!(back.landmarks.0[4], Point { x: 19.5, y: 39.5 });
    }
}
