//! How good a picture of a face is: measured values, one score, and limits with reasons.
//!
//! Follows the unified and the subject-related measures of ISO/IEC 29794-5 in kind (inter-eye distance, pose,
//! sharpness, exposure), not in its exact scales.

use mfn_vision::{AlignedFace, Detection};

use crate::exposure::{Exposure, Grey};
use crate::pose::Pose;

/// What was measured on one face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Distance between the eyes in pixels of the frame.
    pub eye_distance: f32,
    /// Where the face looks.
    pub pose: Pose,
    /// Variance of the Laplacian over the variance of the grey values, inside the crop; does not change with
    /// brightness or contrast. On portraits in focus 0.18 to 0.43, still 0.06 to 0.14 when they are so small
    /// that the eyes are 25 pixels apart, and under 0.025 when only 11 pixels' worth of detail is left.
    pub sharpness: f32,
    /// Mean grey level of the face, 0 to 255.
    pub brightness: f32,
    /// Share of the face's pixels that are almost black or almost white, 0 to 1.
    pub clipped: f32,
}

impl Quality {
    /// Measures a face: size and pose on the detection, the rest on its aligned crop.
    #[must_use]
    pub fn assess(detection: &Detection, face: &AlignedFace) -> Quality {
        let [left, right, ..] = detection.landmarks.0;
        let grey = Grey::inside(face);
        let Exposure { brightness, clipped } = grey.exposure();
        Quality {
            eye_distance: (right.x - left.x).hypot(right.y - left.y),
            pose: Pose::estimate(&detection.landmarks),
            sharpness: grey.sharpness(),
            brightness,
            clipped,
        }
    }

    /// One number, 0 (useless) to 1 (ideal): the weakest of size, pose, sharpness and exposure, since a face is
    /// not better than its worst fault. Each part falls linearly:
    ///
    /// | part | 1 at | 0 at |
    /// | --- | --- | --- |
    /// | size | eyes 60 pixels apart | 10 |
    /// | pose | looking at the camera | yaw 60, pitch 50 or roll 60 degrees |
    /// | sharpness | 0.15 | 0 |
    /// | brightness | 80 to 180 | 20 and 250 |
    /// | clipped | nothing | half of the face |
    #[must_use]
    pub fn score(&self) -> f32 {
        let Pose { yaw, pitch, roll } = self.pose;
        let parts = [
            (self.eye_distance - 10.0) / 50.0,
            1.0 - yaw.abs() / 60.0,
            1.0 - pitch.abs() / 50.0,
            1.0 - roll.abs() / 60.0,
            self.sharpness / 0.15,
            (self.brightness - 20.0) / 60.0,
            (250.0 - self.brightness) / 70.0,
            1.0 - self.clipped / 0.5,
        ];
        parts.into_iter().fold(1.0, f32::min).max(0.0)
    }
}

/// What is wrong with a face, with what was measured and the limit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum QualityIssue {
    /// Too few pixels.
    #[error("too small: the eyes are {found:.0} pixels apart, {limit:.0} are needed; come closer")]
    TooSmall {
        /// Eye distance in pixels.
        found: f32,
        /// The least.
        limit: f32,
    },
    /// Seen from the side.
    #[error("turned away by about {found:.0} degrees, {limit:.0} are allowed; look at the camera")]
    TurnedAway {
        /// Yaw in degrees without its sign.
        found: f32,
        /// The most.
        limit: f32,
    },
    /// Seen from above or below.
    #[error("looking up or down by about {found:.0} degrees, {limit:.0} are allowed; look at the camera")]
    Nodded {
        /// Pitch in degrees without its sign.
        found: f32,
        /// The most.
        limit: f32,
    },
    /// The head lies on one side.
    #[error("tilted by about {found:.0} degrees, {limit:.0} are allowed; hold the head upright")]
    Tilted {
        /// Roll in degrees without its sign.
        found: f32,
        /// The most.
        limit: f32,
    },
    /// Too little light.
    #[error("too dark: mean grey level {found:.0} of 255, {limit:.0} is needed; more light from the front")]
    TooDark {
        /// Mean grey level.
        found: f32,
        /// The least.
        limit: f32,
    },
    /// Too much light.
    #[error(
        "too bright: mean grey level {found:.0} of 255, {limit:.0} is allowed; less light from the front"
    )]
    TooBright {
        /// Mean grey level.
        found: f32,
        /// The most.
        limit: f32,
    },
    /// Parts of the face are black or white.
    #[error(
        "badly lit: {:.0} % of the face is black or white, {:.0} % is allowed; avoid light from behind or the side",
        found * 100.0, limit * 100.0
    )]
    Clipped {
        /// Share of pixels.
        found: f32,
        /// The most.
        limit: f32,
    },
    /// Out of focus or moved.
    #[error(
        "too blurred: sharpness {found:.3}, {limit:.3} is needed; hold still, or clean and focus the lens"
    )]
    Blurred {
        /// Sharpness as in [`Quality::sharpness`].
        found: f32,
        /// The least.
        limit: f32,
    },
}

impl QualityIssue {
    /// A fixed short name for logs and programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            QualityIssue::TooSmall { .. } => "too-small",
            QualityIssue::TurnedAway { .. } => "turned-away",
            QualityIssue::Nodded { .. } => "nodded",
            QualityIssue::Tilted { .. } => "tilted",
            QualityIssue::TooDark { .. } => "too-dark",
            QualityIssue::TooBright { .. } => "too-bright",
            QualityIssue::Clipped { .. } => "badly-lit",
            QualityIssue::Blurred { .. } => "blurred",
        }
    }
}

/// What a face must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityLimits {
    /// Least eye distance in pixels of the frame.
    pub eye_distance: f32,
    /// Most yaw, pitch and roll in degrees, to either side.
    pub yaw: f32,
    /// See `yaw`.
    pub pitch: f32,
    /// See `yaw`.
    pub roll: f32,
    /// Least sharpness.
    pub sharpness: f32,
    /// Least and most mean grey level.
    pub brightness: (f32, f32),
    /// Most share of clipped pixels.
    pub clipped: f32,
}

impl QualityLimits {
    /// For the few pictures that a person is known by from then on.
    pub const ENROLMENT: QualityLimits = QualityLimits {
        eye_distance: 24.0,
        yaw: 30.0,
        pitch: 25.0,
        roll: 30.0,
        sharpness: 0.03,
        brightness: (45.0, 220.0),
        clipped: 0.3,
    };

    /// For frames that take part in the vote at the door: only what cannot be recognised is left out.
    pub const VOTE: QualityLimits = QualityLimits {
        eye_distance: 12.0,
        yaw: 45.0,
        pitch: 35.0,
        roll: 45.0,
        sharpness: 0.01,
        brightness: (25.0, 235.0),
        clipped: 0.5,
    };

    /// Compares a face with the limits.
    ///
    /// # Errors
    /// The first issue in the order size, pose, light, sharpness: what is put right first.
    pub fn check(&self, quality: &Quality) -> Result<(), QualityIssue> {
        self.check_pose(quality)?;
        let found = quality.brightness;
        let (dark, bright) = self.brightness;
        if found < dark {
            return Err(QualityIssue::TooDark { found, limit: dark });
        }
        if found > bright {
            return Err(QualityIssue::TooBright { found, limit: bright });
        }
        if quality.clipped > self.clipped {
            return Err(QualityIssue::Clipped { found: quality.clipped, limit: self.clipped });
        }
        if quality.sharpness < self.sharpness {
            return Err(QualityIssue::Blurred { found: quality.sharpness, limit: self.sharpness });
        }
        Ok(())
    }

    fn check_pose(&self, quality: &Quality) -> Result<(), QualityIssue> {
        if quality.eye_distance < self.eye_distance {
            return Err(QualityIssue::TooSmall { found: quality.eye_distance, limit: self.eye_distance });
        }
        let Pose { yaw, pitch, roll } = quality.pose;
        if yaw.abs() > self.yaw {
            return Err(QualityIssue::TurnedAway { found: yaw.abs(), limit: self.yaw });
        }
        if pitch.abs() > self.pitch {
            return Err(QualityIssue::Nodded { found: pitch.abs(), limit: self.pitch });
        }
        if roll.abs() > self.roll {
            return Err(QualityIssue::Tilted { found: roll.abs(), limit: self.roll });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Quality = Quality {
        eye_distance: 70.0,
        pose: Pose { yaw: 0.0, pitch: 0.0, roll: 0.0 },
        sharpness: 0.2,
        brightness: 120.0,
        clipped: 0.0,
    };

    #[test]
    fn each_fault_has_its_name_and_lowers_the_score() {
        let pose = |yaw, pitch, roll| Quality { pose: Pose { yaw, pitch, roll }, ..GOOD };
        let cases = [
            (Quality { eye_distance: 11.0, ..GOOD }, "too-small"),
            (pose(-50.0, 0.0, 0.0), "turned-away"),
            (pose(0.0, 40.0, 0.0), "nodded"),
            (pose(0.0, 0.0, 50.0), "tilted"),
            (Quality { brightness: 20.0, ..GOOD }, "too-dark"),
            (Quality { brightness: 240.0, ..GOOD }, "too-bright"),
            (Quality { clipped: 0.6, ..GOOD }, "badly-lit"),
            (Quality { sharpness: 0.001, ..GOOD }, "blurred"),
        ];
        assert_eq!(GOOD.score(), 1.0);
        for limits in [QualityLimits::ENROLMENT, QualityLimits::VOTE] {
            assert_eq!(limits.check(&GOOD), Ok(()));
            for (quality, name) in cases {
                assert_eq!(limits.check(&quality).unwrap_err().name(), name);
                assert!((0.0..0.3).contains(&quality.score()), "{quality:?}");
            }
        }
    }
}
