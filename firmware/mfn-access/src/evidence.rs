//! What goes in: one processed frame as plain numbers, and everything else that can happen.
//! Knows nothing of images; positions are parts of the frame's width and height.

use std::time::Duration;

use mfn_template::Candidates;

use crate::rules::WeekMinute;

/// A face's box in parts of the frame: (0, 0) is the top left corner, (1, 1) the bottom right one.
/// A box may reach beyond the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaceBox {
    /// Left edge in frame widths.
    pub x: f32,
    /// Top edge in frame heights.
    pub y: f32,
    /// Width in frame widths, over 0.
    pub width: f32,
    /// Height in frame heights, over 0.
    pub height: f32,
}

impl FaceBox {
    /// Part of the frame that the box covers: the measure of how near a face is.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Whether all four are numbers and the box has an area: others are no evidence of anything.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        let finite = [self.x, self.y, self.width, self.height].iter().all(|v| v.is_finite());
        finite && self.width > 0.0 && self.height > 0.0 && self.area().is_normal()
    }

    /// Whether the same face may be here in the next frame: its centre moves by at most `max_shift`
    /// widths and heights of the larger box, and each side grows or shrinks at most `max_growth` times.
    #[must_use]
    pub fn continues(&self, before: &FaceBox, max_shift: f32, max_growth: f32) -> bool {
        let axis = |start: f32, size: f32, start_before: f32, size_before: f32| {
            let (small, large) = (size.min(size_before), size.max(size_before));
            let shift = (start + size / 2.0 - start_before - size_before / 2.0).abs();
            shift <= max_shift * large && large <= max_growth * small
        };
        axis(self.x, self.width, before.x, before.width) && axis(self.y, self.height, before.y, before.height)
    }
}

/// Why a face's picture was not good enough to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QualityIssue {
    /// Too few pixels: too far away.
    TooSmall,
    /// Not looking straight at the camera, or the head tilted.
    TurnedAway,
    /// Moved or out of focus.
    Blurred,
    /// Too little light, or light from behind.
    TooDark,
    /// Overexposed.
    TooBright,
}

/// What is known of who a face is.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// Good enough, and compared with the gallery. Ask the gallery for at least two candidates: with
    /// only one the margin to the next person cannot be seen. Empty when nobody is enrolled.
    Compared(Candidates),
    /// Not good enough to vote with.
    Poor(QualityIssue),
    /// Not compared: another face was nearer, or the recogniser gave no template.
    Missing,
}

/// One face of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Where it is and how large.
    pub area: FaceBox,
    /// Who it may be.
    pub probe: Probe,
}

/// One processed frame with **all** faces in view, also those that were not compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sighting {
    /// Number of the frame. Rises by at least one a frame for as long as the machine lives, also over
    /// a camera's reopening; a number that does not rise is a repeated or late frame and no evidence.
    pub sequence: u64,
    /// When the frame was captured, on the clock of `now`.
    pub captured: Duration,
    /// Local time in the week; none while the wall clock is not set (a board without a battery).
    pub local_time: Option<WeekMinute>,
    /// The faces, in any order.
    pub faces: Vec<Face>,
}

/// Parts of the kiosk that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No frames, or unreadable ones.
    Camera,
    /// Detector or recogniser failed.
    Recogniser,
    /// The gallery could not be read.
    Gallery,
    /// The door's line could not be set or read back.
    Door,
    /// The clock went backwards.
    Clock,
}

/// All that can happen to [`AccessControl`](crate::AccessControl).
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A frame was processed.
    Frame(Sighting),
    /// Time passed; send one at least every few hundred milliseconds when no frame comes.
    Tick,
    /// Something failed: the vote is void and the door is told to close. The next frame starts anew.
    Fault(Fault),
    /// The kiosk ends: the door is told to close, and nothing is granted any more.
    Shutdown,
}
