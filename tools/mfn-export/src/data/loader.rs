//! Background threads that turn faces into batches: read, decode, vary, and ask the teacher.
//!
//! Thread `t` of `n` makes the batches `t`, `t + n`, `t + 2n`, ... and the trainer takes them in turn,
//! so a run does not depend on how many threads there are or which is faster.

use super::{Dataset, Order, Slot, decode, generator, normalise};
use crate::arch::INPUT_SIDE;
use crate::augment::vary;
use crate::recipe::Augment;
use crate::teacher::{Lesson, Teaching};
use anyhow::{Context, Result, bail};
use image::RgbImage;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// After so many pictures in a row that cannot be read, it is the source that is broken.
const BROKEN_IN_A_ROW: usize = 100;

/// One batch, ready for the network.
pub struct Views {
    /// Normalised crops, `[N, 3, 112, 112]`.
    pub images: Vec<f32>,
    /// The identity of each, where it is known.
    pub identities: Vec<Option<u32>>,
    /// What the teacher says about these views.
    pub lesson: Option<Lesson>,
}

/// One decoded face.
struct Crop {
    number: usize,
    bytes: Vec<u8>,
    picture: RgbImage,
}

/// What all threads share.
pub struct Maker {
    /// The faces.
    pub dataset: Arc<Dataset>,
    /// How much they are varied.
    pub augment: Augment,
    /// The run's seed.
    pub seed: u64,
    /// Faces a batch.
    pub batch: usize,
    /// The teacher, if there is one.
    pub teaching: Option<Teaching>,
    /// Names of the pictures that could not be decoded.
    pub broken: Mutex<BTreeSet<String>>,
}

/// The threads and what they have ready.
pub struct Loader<B> {
    ready: Vec<Receiver<Result<B>>>,
    threads: Vec<JoinHandle<()>>,
    next: usize,
}

impl<B: Send + 'static> Loader<B> {
    /// Starts `threads` threads at the batch that begins after `seen` views; each has a `worker` of its own,
    /// which makes the batch of `batch` views after any number of views.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start<W>(seen: u64, batch: usize, threads: usize, worker: impl Fn() -> W) -> Result<Self>
    where
        W: FnMut(u64) -> Result<B> + Send + 'static,
    {
        let mut loader = Self { ready: Vec::new(), threads: Vec::new(), next: 0 };
        for number in 0..threads {
            let (sender, receiver) = sync_channel(1);
            let (mut make, first) = (worker(), seen + (number * batch) as u64);
            let work = move || {
                for seen in (first..).step_by(threads * batch) {
                    let made = make(seen);
                    let failed = made.is_err();
                    if sender.send(made).is_err() || failed {
                        return;
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("loader-{number}")).spawn(work);
            loader.threads.push(thread.context("a loader thread could not be started")?);
            loader.ready.push(receiver);
        }
        Ok(loader)
    }

    /// The next batch of the run.
    pub fn take(&mut self) -> Result<B> {
        let turn = self.next % self.ready.len();
        self.next += 1;
        self.ready[turn].recv().context("a loader thread ended early")?
    }
}

impl<B> Drop for Loader<B> {
    fn drop(&mut self) {
        self.ready.clear();
        for thread in self.threads.drain(..) {
            // A panic there was already reported by `take`.
            let _ = thread.join();
        }
    }
}

impl Maker {
    /// What makes the batch after any number of views.
    pub fn worker(self: &Arc<Self>) -> impl FnMut(u64) -> Result<Views> + Send + 'static {
        let (maker, mut order) = (Arc::clone(self), Order::new(&self.dataset.spans, self.seed));
        move |seen| maker.make(&order.batch(seen, maker.batch))
    }

    fn make(&self, slots: &[Slot]) -> Result<Views> {
        let len = 3 * INPUT_SIDE * INPUT_SIDE;
        let mut images = vec![0.0; slots.len() * len];
        let mut identities = Vec::with_capacity(slots.len());
        let mut features = Vec::new();
        for (slot, image) in slots.iter().zip(images.chunks_exact_mut(len)) {
            let crop = self.crop(*slot)?;
            identities.push(self.dataset.train[crop.number].identity);
            if let Some(Teaching::Cached(teacher, cache)) = &self.teaching {
                let ask = || {
                    normalise(crop.picture.as_raw(), image);
                    Ok(teacher.teach(image)?.features)
                };
                features.extend(cache.features(&crop.bytes, ask)?);
            }
            let mut rng = generator(&[self.seed, crop.number as u64, slot.round]);
            normalise(vary(crop.picture, &self.augment, &mut rng).as_raw(), image);
        }
        let lesson = match &self.teaching {
            Some(Teaching::Live(teacher)) => Some(teacher.teach(&images)?),
            Some(Teaching::Cached(..)) => Some(Lesson { features, hints: Vec::new() }),
            None => None,
        };
        Ok(Views { images, identities, lesson })
    }

    /// Reads and decodes the face of a slot; a broken picture gives way to the next one.
    fn crop(&self, slot: Slot) -> Result<Crop> {
        for offset in 0..BROKEN_IN_A_ROW {
            let number = (slot.face + offset) % self.dataset.train.len();
            let face = &self.dataset.train[number];
            let mut bytes = Vec::new();
            match self.dataset.read(face, &mut bytes).and_then(|()| decode(&bytes)) {
                Ok(picture) => return Ok(Crop { number, bytes, picture }),
                Err(error) => self.skip(self.dataset.name(face), &error),
            }
        }
        let name = self.dataset.name(&self.dataset.train[slot.face]);
        bail!("data: {BROKEN_IN_A_ROW} pictures in a row cannot be read, the first being {name}")
    }

    fn skip(&self, name: String, error: &anyhow::Error) {
        let mut broken = self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !broken.contains(&name) {
            log::warn!("skipped {name}: {error}");
            broken.insert(name);
        }
    }
}
