//! The inference thread: one frame at a time from the slot through the networks and the gallery.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mfn_engine::{Detector, EngineError, Recogniser};
use mfn_gallery::{Access, FileGallery, Gallery};
use mfn_vision::Frame;

use super::Shared;
use super::news::{Names, News};
use crate::cli::RunArgs;
use crate::config::Config;
use crate::engines::{self, Chosen};
use crate::exit::{Exit, Failure, OrExit};
use crate::newest::Taken;
use crate::pipeline::{LookError, Pipeline};

/// How often the gallery is looked at for changes of another process.
const LOOK_AT_GALLERY: Duration = Duration::from_millis(400);
/// Longest wait for a frame, after which the other duties are seen to.
const PATIENCE: Duration = Duration::from_millis(100);

/// Loads everything and processes frames until the slot is closed.
///
/// # Errors
/// Models or gallery cannot be used.
pub fn infer(config: &Config, args: &RunArgs, shared: &Shared) -> Result<(), Failure> {
    let chosen = engines::choose(config, &args.with)?;
    let (mut detector, mut recogniser) = chosen.load(config)?;
    check_golden(&mut detector, &mut recogniser, &chosen).or_exit(Exit::Models)?;
    let mut gallery = chosen.gallery(config, &args.gallery, Access::Read)?;
    let mut pipeline = Pipeline::new(detector, recogniser, config.settings.detector.compare as usize);
    let recogniser = chosen.recogniser.name().to_owned();
    shared.tell(News::Ready { recogniser, people: names(&gallery) });
    let mut frame = Frame::empty();
    let mut looked = Instant::now();
    loop {
        shared.pulse.fetch_add(1, Ordering::Relaxed);
        let taken = shared.slot.take(&mut frame, PATIENCE);
        if looked.elapsed() >= LOOK_AT_GALLERY {
            looked = Instant::now();
            reload(&mut gallery, shared);
        }
        match taken {
            Taken::Item => shared.tell(process(&mut pipeline, &frame, &gallery)),
            Taken::Nothing => {}
            Taken::Closed => {
                shared.tell(News::Finished);
                return Ok(());
            }
        }
    }
}

fn process(pipeline: &mut Pipeline, frame: &Frame, gallery: &FileGallery) -> News {
    match pipeline.look(frame, gallery) {
        Ok(()) => News::Frame { sighting: pipeline.sighting(frame), times: *pipeline.times() },
        Err(LookError::Frame(e)) => News::FrameTrouble(e.to_string()),
        Err(LookError::Engine(e)) => News::EngineTrouble(e.to_string()),
    }
}

fn reload(gallery: &mut FileGallery, shared: &Shared) {
    match gallery.reload() {
        Ok(true) => shared.tell(News::People(names(gallery))),
        Ok(false) => {}
        Err(e) => shared.tell(News::GalleryTrouble(e.to_string())),
    }
}

fn names(gallery: &FileGallery) -> Names {
    gallery.people().iter().map(|person| (person.id, person.name.to_string())).collect()
}

/// A wrong channel order, mean or scale shows here, before the first face does. The detector's golden
/// pictures fit one input size only.
fn check_golden(
    detector: &mut Detector,
    recogniser: &mut Recogniser,
    chosen: &Chosen,
) -> Result<(), EngineError> {
    recogniser.self_test(&chosen.recogniser)?;
    let options = detector.options();
    if (options.width, options.height) == engines::GOLDEN_SIZE {
        detector.self_test(&chosen.detector)?;
    }
    Ok(())
}
