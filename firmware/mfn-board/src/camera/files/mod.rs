//! Photographs and videos as cameras: what they share is pace, numbering and beginning again.

mod avi;
mod jpeg;
mod pacer;
mod photos;
mod video;
mod y4m;

use std::{thread, time::Duration};

use mfn_vision::Frame;

use self::pacer::Pacer;
pub use self::{photos::Photos, video::Video};
use super::{Camera, CameraError, CameraOptions, Captured, Pace};

/// A finite row of pictures.
pub trait Pictures: Send {
    /// Writes format, size and bytes of the next picture into the frame; `false` after the last one.
    fn next(&mut self, frame: &mut Frame) -> Result<bool, CameraError>;

    /// Goes back to the first picture.
    fn rewind(&mut self) -> Result<(), CameraError>;

    /// The pictures' own pace.
    fn period(&self) -> Duration;

    /// What this is, for people.
    fn describe(&self) -> String;
}

/// Shows pictures as a camera would.
pub struct FileCamera<P> {
    pictures: P,
    options: CameraOptions,
    pacer: Pacer,
    sequence: u64,
    shown_since_rewind: bool,
}

impl<P: Pictures> FileCamera<P> {
    pub fn new(pictures: P, options: &CameraOptions) -> FileCamera<P> {
        let pacer = Pacer::new(match options.pace {
            Pace::Own => pictures.period(),
            Pace::Fastest => Duration::ZERO,
            Pace::Every(period) => period,
        });
        FileCamera { pictures, options: *options, pacer, sequence: 0, shown_since_rewind: false }
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, CameraError> {
        if self.pictures.next(frame)? {
            return Ok(true);
        }
        // A source that showed nothing in a whole round would be begun again for ever.
        if !self.options.repeat || !self.shown_since_rewind {
            return Ok(false);
        }
        self.shown_since_rewind = false;
        self.pictures.rewind()?;
        self.pictures.next(frame)
    }
}

impl<P: Pictures> Camera for FileCamera<P> {
    fn capture(&mut self, frame: &mut Frame) -> Result<Captured, CameraError> {
        thread::sleep(self.pacer.wait(self.options.start.elapsed()));
        let captured_at = self.options.start.elapsed();
        if !self.next(frame)? {
            return Ok(Captured::End);
        }
        self.shown_since_rewind = true;
        frame.sequence = self.sequence;
        frame.captured_at = captured_at;
        self.sequence += 1;
        Ok(Captured::Picture)
    }

    fn describe(&self) -> String {
        let repeated = if self.options.repeat { ", repeated" } else { "" };
        format!("{}, pace {}{repeated}", self.pictures.describe(), self.options.pace)
    }
}
