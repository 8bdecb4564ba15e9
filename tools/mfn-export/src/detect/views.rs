//! Varied pictures with the faces in them: the same seed and place in the run give the same batch.

use super::frames::{Frame, Frames};
use super::paste::{Canvas, Part};
use super::targets::{Grid, Targets};
use crate::augment::{between, chance, colour, quality};
use crate::data::{Order, Slot, generator, normalise};
use crate::recipe::{DetectorRecipe, FrameAugment};
use anyhow::{Context, Result, bail};
use fastrand::Rng;
use mfn_vision::RgbImage;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

/// After so many frames in a row that cannot be read, it is the source that is broken.
const BROKEN_IN_A_ROW: usize = 100;
/// A dark picture keeps this share of its light, and has noise of this deviation (of 255).
const DARK: [f32; 2] = [0.08, 0.5];
const NOISE: [f32; 2] = [1.0, 8.0];

/// One batch, ready for the network.
pub struct Batch {
    /// Normalised pictures, `[N, 3, side, side]`.
    pub images: Vec<f32>,
    /// What the cells should say.
    pub targets: Targets,
    /// Sizes.
    pub grid: Grid,
}

/// What all threads share.
pub struct Maker {
    /// The frames.
    pub frames: Frames,
    recipe: DetectorRecipe,
    /// Decoded frames: each is used hundreds of times, and together they take 1 to 2 GB.
    decoded: Vec<OnceLock<RgbImage>>,
    /// Names of the frames that could not be decoded.
    pub broken: Mutex<BTreeSet<String>>,
}

impl Maker {
    /// A maker of batches by this recipe.
    pub fn new(frames: Frames, recipe: &DetectorRecipe) -> Self {
        let decoded = frames.train.iter().map(|_| OnceLock::new()).collect();
        Self { frames, recipe: recipe.clone(), decoded, broken: Mutex::default() }
    }

    /// What makes the batch after any number of pictures.
    pub fn worker(self: &Arc<Self>) -> impl FnMut(u64) -> Result<Batch> + Send + 'static {
        let (maker, mut order) = (Arc::clone(self), Order::new(&self.frames.spans, self.recipe.seed));
        move |seen| maker.make(&order.batch(seen, maker.recipe.train.batch))
    }

    fn make(&self, slots: &[Slot]) -> Result<Batch> {
        let side = self.recipe.augment.side as usize;
        let mut images = vec![0.0; slots.len() * 3 * side * side];
        let mut labels = Vec::with_capacity(slots.len());
        for (slot, image) in slots.iter().zip(images.chunks_exact_mut(3 * side * side)) {
            let mut rng = generator(&[self.recipe.seed, slot.face as u64, slot.round]);
            let canvas = self.view(slot.face, &mut rng)?;
            normalise(light(canvas.picture, &self.recipe.augment, &mut rng)?.as_raw(), image);
            labels.push(canvas.labels);
        }
        let grid = Grid { batch: slots.len(), width: side, height: side };
        let targets = Targets::assign(&grid, &labels);
        Ok(Batch { images, targets, grid })
    }

    /// One frame, or four of which the others are drawn from all alike.
    fn view(&self, number: usize, rng: &mut Rng) -> Result<Canvas> {
        let how = &self.recipe.augment;
        let mut canvas = Canvas::new(how.side, rng);
        let (parts, sizes) = if chance(rng, how.mosaic) {
            (Part::quarters(how.side, rng), how.mosaic_face)
        } else {
            (vec![Part::whole(how.side)], how.face)
        };
        let mut number = number;
        for part in parts {
            let (frame, picture) = self.frame(number)?;
            canvas.paste(part, frame, picture, (how, sizes, self.recipe.data.doubtful), rng);
            number = rng.usize(..self.frames.train.len());
        }
        Ok(canvas)
    }

    /// A frame with its picture; a broken one gives way to the next.
    fn frame(&self, number: usize) -> Result<(&Frame, &RgbImage)> {
        for offset in 0..BROKEN_IN_A_ROW {
            let number = (number + offset) % self.frames.train.len();
            let frame = &self.frames.train[number];
            if let Some(picture) = self.decoded[number].get() {
                return Ok((frame, picture));
            }
            match self.frames.picture(frame) {
                Ok(picture) => return Ok((frame, self.decoded[number].get_or_init(|| picture))),
                Err(error) => self.skip(frame.name(), &error),
            }
        }
        let name = self.frames.train[number].name();
        bail!("data: {BROKEN_IN_A_ROW} frames in a row cannot be read, the first being {name}")
    }

    fn skip(&self, name: &str, error: &anyhow::Error) {
        let mut broken = self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if broken.insert(name.to_string()) {
            log::warn!("skipped {error:#}");
        }
    }
}

/// What cameras and lamps do to a picture.
fn light(picture: RgbImage, how: &FrameAugment, rng: &mut Rng) -> Result<image::RgbImage> {
    let (width, height) = (picture.width(), picture.height());
    let mut view = image::RgbImage::from_raw(width, height, picture.data().to_vec()).context("a canvas")?;
    if chance(rng, how.blur) {
        quality::blur(&mut view, between(rng, 0.4, 1.5));
    }
    if chance(rng, how.colour) {
        colour::shift(&mut view, how.colour_strength, rng);
    }
    if chance(rng, how.grey) {
        colour::grey(&mut view);
    }
    if chance(rng, how.dark) {
        darken(&mut view, rng);
    }
    if chance(rng, how.jpeg) {
        view = quality::jpeg(view, rng.u8(25..=90));
    }
    Ok(view)
}

/// Little light, and the noise that comes with it: the sum of three even draws is near enough to a normal one.
fn darken(view: &mut image::RgbImage, rng: &mut Rng) {
    let (share, deviation) = (between(rng, DARK[0], DARK[1]), between(rng, NOISE[0], NOISE[1]));
    for value in view.iter_mut() {
        let noise = 2.0 * (rng.f32() + rng.f32() + rng.f32() - 1.5);
        *value = (share * f32::from(*value) + deviation * noise + 0.5) as u8;
    }
}
