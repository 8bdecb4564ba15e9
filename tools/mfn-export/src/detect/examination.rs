//! Measuring on the frames that are kept out of training: by the training graph, and by the device's engine.

use super::decode::faces;
use super::frames::{Frame, Frames};
use super::measure::{Figures, Seen, measure};
use super::network::DetectorNetwork;
use super::targets::Grid;
use crate::data::normalise;
use crate::device::cpu;
use crate::net::{Bound, ParameterSet, floats};
use crate::recipe::DetectorRecipe;
use anyhow::{Context, Result};
use burn::tensor::{Tensor, TensorData};
use mfn_engine::{Detector, DetectorOptions, Guard, ModelFolder};
use mfn_vision::{Detection, RgbImage};

/// Frames that go through the training graph at once.
const BATCH: usize = 8;
/// Detections of a lower score never decide on a threshold.
const LOWEST_SCORE: f32 = 0.05;

/// The decoded frames that are kept out, each at its own size on a black square, one side a source.
pub struct Examination {
    pub(super) sources: Vec<Source>,
    pub(super) doubtful: f32,
}

/// The frames of one source.
pub(super) struct Source {
    /// Pixels of the longest of their sides, a multiple of 32.
    pub(super) side: u32,
    pub(super) frames: Vec<(RgbImage, Frame)>,
}

impl Examination {
    /// Decodes the frames; `None` where none is kept out.
    ///
    /// # Errors
    /// When a frame cannot be read.
    pub fn prepare(frames: &Frames, recipe: &DetectorRecipe) -> Result<Option<Self>> {
        let mut sources: Vec<Source> =
            recipe.data.sources.iter().map(|_| Source { side: 32, frames: Vec::new() }).collect();
        for frame in &frames.kept_out {
            let picture = frames.picture(frame)?;
            let source = &mut sources[frame.source()];
            let longest = picture.width().max(picture.height());
            source.side = source.side.max(longest.next_multiple_of(32));
            source.frames.push((picture, frame.clone()));
        }
        let any = sources.iter().any(|s| !s.frames.is_empty());
        Ok(any.then_some(Self { sources, doubtful: recipe.data.doubtful }))
    }

    /// The same of frames of which some must be kept out.
    ///
    /// # Errors
    /// When a frame cannot be read, or none is kept out.
    pub fn required(frames: &Frames, recipe: &DetectorRecipe) -> Result<Self> {
        let found = Self::prepare(frames, recipe)?;
        found.context("data.kept_out keeps no frame out: there is nothing to measure on")
    }

    /// How many frames it looks at.
    pub fn frames(&self) -> usize {
        self.sources.iter().map(|s| s.frames.len()).sum()
    }

    /// The figures of the network with these weights, by the training graph.
    ///
    /// # Errors
    /// When the graph fails.
    pub fn by_graph(&self, set: &ParameterSet) -> Result<Figures> {
        let device = cpu();
        let (network, bound) = (DetectorNetwork::new(set)?, Bound::new(set, &device, false));
        let DetectorOptions { iou, blend, .. } = DetectorOptions::default();
        self.by(|source, seen| {
            for part in source.frames.chunks(BATCH) {
                let side = source.side as usize;
                let grid = Grid { batch: part.len(), width: side, height: side };
                let mut images = vec![0.0; part.len() * 3 * side * side];
                for ((picture, _), image) in part.iter().zip(images.chunks_exact_mut(3 * side * side)) {
                    normalise(padded(picture, source.side).data(), image);
                }
                let images = TensorData::new(images, [part.len(), 3, side, side]);
                let outputs = floats(network.evaluate(&bound, Tensor::from_data(images, &device)))?;
                for (number, (_, frame)) in part.iter().enumerate() {
                    seen.push(Seen::of(frame, faces(&outputs, &grid, number, LOWEST_SCORE, [iou, blend])));
                }
            }
            Ok(())
        })
    }

    /// The figures of a model folder, by the device's engine.
    ///
    /// # Errors
    /// When the engine refuses the folder or fails.
    pub fn by_engine(&self, model: &ModelFolder, guard: &Guard) -> Result<Figures> {
        self.by(|source, seen| {
            let (width, height) = (source.side, source.side);
            let options =
                DetectorOptions { width, height, score: LOWEST_SCORE, ..DetectorOptions::default() };
            let mut detector = Detector::load(model, options, guard)?;
            let mut found = Vec::new();
            for (picture, frame) in &source.frames {
                detector.detect(&padded(picture, source.side), &mut found)?;
                seen.push(Seen::of(frame, found.clone()));
            }
            Ok(())
        })
    }

    fn by(&self, mut look: impl FnMut(&Source, &mut Vec<Seen>) -> Result<()>) -> Result<Figures> {
        let mut seen = Vec::new();
        for source in self.sources.iter().filter(|s| !s.frames.is_empty()) {
            look(source, &mut seen)?;
        }
        Ok(measure(&seen, self.doubtful))
    }
}

impl Seen {
    fn of(frame: &Frame, found: Vec<Detection>) -> Self {
        Self { labels: frame.faces.clone(), found, empty: frame.empty }
    }
}

/// The picture at the top left of a black square, at its own size.
pub(super) fn padded(picture: &RgbImage, side: u32) -> RgbImage {
    let mut square = RgbImage::new(side, side);
    let stride = 3 * side as usize;
    for (y, row) in (0..picture.height()).zip(square.data_mut().chunks_exact_mut(stride)) {
        let from = picture.row(y);
        row[..from.len()].copy_from_slice(from);
    }
    square
}
