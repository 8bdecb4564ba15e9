//! The inference thread: one frame at a time from the slot through the networks and the gallery.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime};

use mfn_engine::QualityLimits;
use mfn_gallery::{Access, FileGallery, Gallery, Person, Restriction};
use mfn_vision::Frame;

use super::errand::{Errand, Sitting};
use super::news::{Known, News, People};
use super::{Shared, erasure};
use crate::cli::RunArgs;
use crate::clock;
use crate::config::Config;
use crate::engines::{Chosen, GalleryPlace};
use crate::enrolment::Gathering;
use crate::exit::Failure;
use crate::newest::Taken;
use crate::pipeline::{LookError, Pipeline};

/// How often the gallery is looked at for changes of another process.
const LOOK_AT_GALLERY: Duration = Duration::from_millis(400);
/// Longest wait for a frame, after which the other duties are seen to.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it is checked whether somebody is past the erasure date.
const LOOK_FOR_EXPIRED: Duration = Duration::from_secs(60);

/// Loads everything and processes frames until the slot is closed.
///
/// # Errors
/// Models or gallery cannot be used.
pub fn infer(
    config: &Config,
    chosen: &Chosen,
    args: &RunArgs,
    shared: &Arc<Shared>,
    errands: &Receiver<Errand>,
) -> Result<(), Failure> {
    let mut recognition = Recognition::load(config, chosen, args)?;
    shared.tell(News::Ready {
        recogniser: recognition.recogniser.clone(),
        people: people(&recognition.gallery),
    });
    let mut frame = Frame::empty();
    let (mut looked, mut checked) = (Instant::now(), None);
    loop {
        shared.pulse.fetch_add(1, Ordering::Relaxed);
        let taken = shared.slot.take(&mut frame, PATIENCE);
        let asked = recognition.run_errands(errands);
        if asked || looked.elapsed() >= LOOK_AT_GALLERY {
            looked = Instant::now();
            recognition.reload(shared);
        }
        if checked.is_none_or(|at: Instant| at.elapsed() >= LOOK_FOR_EXPIRED) {
            checked = Some(Instant::now());
            recognition.erase_expired(shared);
        }
        match taken {
            Taken::Item => shared.tell(recognition.process(&frame)),
            Taken::Nothing => {}
            Taken::Closed => {
                shared.tell(News::Finished);
                return Ok(());
            }
        }
        recognition.end_sitting();
    }
}

/// All that recognises.
struct Recognition {
    pipeline: Pipeline,
    gallery: FileGallery,
    place: GalleryPlace,
    recogniser: String,
    limits: QualityLimits,
    /// Somebody who is being enrolled in front of the camera.
    sitting: Option<Sitting>,
}

impl Recognition {
    fn load(config: &Config, chosen: &Chosen, args: &RunArgs) -> Result<Recognition, Failure> {
        let (detector, recogniser) = chosen.load(config)?;
        let place = chosen.gallery_place(config, &config.gallery(&args.gallery));
        Ok(Recognition {
            gallery: place.open(Access::Read)?,
            place,
            pipeline: Pipeline::new(detector, recogniser, config.settings.detector.compare as usize),
            recogniser: chosen.recogniser.name().to_owned(),
            limits: config.enrolment_limits(),
            sitting: None,
        })
    }

    /// Whether the gallery is to be looked at.
    fn run_errands(&mut self, errands: &Receiver<Errand>) -> bool {
        let mut look = false;
        while let Ok(errand) = errands.try_recv() {
            match errand {
                Errand::LookAtGallery => look = true,
                Errand::Gather { replies, .. } if self.sitting.is_some() => Sitting::refuse(&replies),
                Errand::Gather { frames, replies } => {
                    self.sitting = Some(Sitting::new(Gathering::new(frames, self.limits), replies));
                }
            }
        }
        look
    }

    fn process(&mut self, frame: &Frame) -> News {
        let among = Restriction { valid_at: Some(clock::validity_time()), ..Restriction::default() };
        let looked = self.pipeline.look(frame, &self.gallery, &among);
        let news = match looked {
            Ok(()) => News::Frame {
                sighting: self.pipeline.sighting(frame, clock::week_minute()),
                times: *self.pipeline.times(),
            },
            Err(LookError::Frame(e)) => return News::FrameTrouble(e.to_string()),
            Err(LookError::Engine(e)) => return News::EngineTrouble(e.to_string()),
        };
        self.sitting.take_if(|sitting| !sitting.look(&mut self.pipeline, frame));
        news
    }

    fn end_sitting(&mut self) {
        if let Some(sitting) = self.sitting.take_if(|sitting| sitting.is_over()) {
            sitting.finish(self.place.space());
        }
    }

    fn reload(&mut self, shared: &Shared) {
        match self.gallery.reload() {
            Ok(true) => shared.tell(News::People(people(&self.gallery))),
            Ok(false) => {}
            Err(e) => shared.tell(News::GalleryTrouble(e.to_string())),
        }
    }

    fn erase_expired(&self, shared: &Arc<Shared>) {
        let now = SystemTime::now();
        if clock::is_set(now) && self.gallery.people().iter().any(|p| p.metadata.expired_at(now)) {
            erasure::begin(&self.place, shared);
        }
    }
}

fn people(gallery: &FileGallery) -> People {
    let known = |person: &Person| {
        let group = person.metadata.group.as_ref().map(|group| group.as_str().to_owned());
        (person.id, Known { name: person.name.to_string(), group })
    };
    gallery.people().iter().map(known).collect()
}
