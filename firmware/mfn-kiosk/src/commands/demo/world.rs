//! A kiosk in simulated time: the pipeline, the decision and the door machine that `run` uses, behind a
//! scripted camera and in front of a simulated door line.

use std::time::Duration;

use embedded_hal::digital::PinState;
use mfn_access::{
    AccessControl, Decision, DoorInput, DoorMachine, DoorPolicy, Event, Line, Outcome, Probe, Status,
};
use mfn_board::{ActiveLevel, Camera, Captured, DoorLine, ScriptedCamera, SimulatedPin, Wire};
use mfn_gallery::{FileGallery, Restriction};
use mfn_template::Candidate;
use mfn_vision::{Frame, PixelFormat, RgbImage};

use crate::exit::{Exit, Failure, OrExit};
use crate::pipeline::{Pipeline, SeenFace, Stages};

/// Between two frames.
const FRAME: Duration = Duration::from_millis(200);
/// Between two approaches: longer than a hold-off and a pulse.
const BREAK: Duration = Duration::from_secs(20);
/// Between two beats of a kiosk that waits.
const BEAT: Duration = Duration::from_millis(100);

/// One frame and what came of it.
pub struct Shown {
    /// The frame.
    pub picture: RgbImage,
    /// Faces on it, nearest first.
    pub faces: Vec<SeenFace>,
    /// What was decided, if anything.
    pub decision: Option<Decision>,
    /// The decision's state after it.
    pub status: Status,
    /// Whether the door line is energised after it.
    pub line_on: bool,
    /// What its stages took.
    pub times: Stages<Duration>,
}

impl Shown {
    /// The best candidate of the nearest face.
    pub fn best(&self) -> Option<Candidate> {
        match &self.faces.first()?.probe {
            Probe::Compared(candidates) => candidates.best(),
            _ => None,
        }
    }
}

/// Everything but the person in front of it.
pub struct World {
    pub pipeline: Pipeline,
    pub gallery: FileGallery,
    access: AccessControl,
    machine: DoorMachine,
    line: DoorLine<SimulatedPin>,
    wire: Wire,
    now: Duration,
    sequence: u64,
}

impl World {
    /// A closed door, and nobody there.
    pub fn new(
        pipeline: Pipeline,
        gallery: FileGallery,
        access: AccessControl,
        door: DoorPolicy,
    ) -> Result<World, Failure> {
        let pin = SimulatedPin::output(None, PinState::Low).or_exit(Exit::Door)?;
        let wire = pin.wire();
        Ok(World {
            pipeline,
            gallery,
            access,
            machine: DoorMachine::new(door, Duration::ZERO),
            line: DoorLine::new(pin, ActiveLevel::High).or_exit(Exit::Door)?,
            wire,
            now: Duration::ZERO,
            sequence: 0,
        })
    }

    /// Somebody walks up: these pictures, one after the other.
    pub fn approach(&mut self, pictures: &[RgbImage]) -> Result<Vec<Shown>, Failure> {
        let frames: Vec<Frame> = (1..).zip(pictures).map(|(n, picture)| self.frame(n, picture)).collect();
        let mut camera = ScriptedCamera::new(frames.into_iter().map(Ok));
        let (mut frame, mut shown) = (Frame::empty(), Vec::new());
        while camera.capture(&mut frame).or_exit(Exit::Camera)? == Captured::Picture {
            shown.push(self.show(&frame)?);
        }
        Ok(shown)
    }

    /// Time passes with nobody there; gives how long the line stayed on.
    pub fn pass_time(&mut self) -> Result<Duration, Failure> {
        let (end, mut on) = (self.now + BREAK, Duration::ZERO);
        while self.now < end {
            on += if self.wire.is_high() { BEAT } else { Duration::ZERO };
            self.now += BEAT;
            self.access.step(&Event::Tick, self.now);
            self.door(DoorInput::Heartbeat)?;
        }
        Ok(on)
    }

    /// A picture as the camera gives it, `after` so many frames of this approach.
    fn frame(&mut self, after: u32, picture: &RgbImage) -> Frame {
        self.sequence += 1;
        Frame {
            format: PixelFormat::Rgb,
            width: picture.width(),
            height: picture.height(),
            stride: 3 * picture.width(),
            data: picture.data().to_vec(),
            sequence: self.sequence,
            captured_at: self.now + FRAME * after,
        }
    }

    fn show(&mut self, frame: &Frame) -> Result<Shown, Failure> {
        self.now = frame.captured_at;
        self.door(DoorInput::Heartbeat)?;
        self.pipeline.look(frame, &self.gallery, &Restriction::default())?;
        let sighting = self.pipeline.sighting(frame, None);
        let Outcome { decision, door, status, .. } = self.access.step(&Event::Frame(sighting), self.now);
        if let Some(command) = door {
            self.door(DoorInput::Command(command))?;
        }
        Ok(Shown {
            picture: self.pipeline.picture().clone(),
            faces: self.pipeline.faces().to_vec(),
            decision,
            status,
            line_on: self.wire.is_high(),
            times: *self.pipeline.times(),
        })
    }

    fn door(&mut self, input: DoorInput) -> Result<(), Failure> {
        let output = self.machine.step(input, self.now);
        self.line.set(output.line == Line::On).or_exit(Exit::Door)
    }
}
