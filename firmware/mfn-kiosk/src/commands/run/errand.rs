//! What the inference thread is asked beside its frames: it alone has the networks and the camera's frames.

use std::sync::mpsc::Sender;

use mfn_template::TemplateSpace;
use mfn_vision::Frame;

use crate::enrolment::Gathering;
use crate::exit::{Exit, Failure};
use crate::office::Gathered;
use crate::pipeline::Pipeline;

/// One thing to do between two frames.
pub enum Errand {
    /// The gallery was changed: look now.
    LookAtGallery,
    /// Somebody is to be enrolled who stands in front of the camera.
    Gather {
        /// How many good frames.
        frames: usize,
        /// Who waits for them.
        replies: Sender<Gathered>,
    },
}

/// A person in front of the camera who is being enrolled, while the kiosk goes on.
pub struct Sitting {
    gathering: Gathering,
    replies: Sender<Gathered>,
}

impl Sitting {
    /// Begins.
    pub fn new(gathering: Gathering, replies: Sender<Gathered>) -> Sitting {
        Sitting { gathering, replies }
    }

    /// Turns somebody away because another one is being enrolled.
    pub fn refuse(replies: &Sender<Gathered>) {
        let what = "somebody else is being enrolled in front of the camera: try again in a minute";
        let _ = replies.send(Gathered::Done(Err(Failure::new(Exit::Kiosk, what))));
    }

    /// Takes the frame that the pipeline has looked at. False when nobody waits any more.
    pub fn look(&mut self, pipeline: &mut Pipeline, frame: &Frame) -> bool {
        let detections: Vec<_> = pipeline.faces().iter().map(|face| face.detection).collect();
        let said = self.gathering.offer(pipeline, &detections, frame);
        let news = said.map_or(Gathered::Looked, |said| Gathered::Said(said.to_owned()));
        self.replies.send(news).is_ok()
    }

    /// All frames are there, or the time is over.
    pub fn is_over(&self) -> bool {
        self.gathering.is_over()
    }

    /// Hands over what there is.
    pub fn finish(self, space: &TemplateSpace) {
        let done = self.gathering.finish().map(|references| (references, space.clone()));
        let _ = self.replies.send(Gathered::Done(done));
    }
}
