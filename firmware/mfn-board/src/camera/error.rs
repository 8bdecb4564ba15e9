//! What can go wrong with a camera, in words that say what to do.

use std::{io, path::PathBuf, time::Duration};

/// A camera, picture or video could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// Nothing is there.
    #[error("no camera at {path}: plug it in, or name another one (list them with `ls /dev/v4l/by-id`)")]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The device may not be opened by this user.
    #[error("no permission to open {path}: add this user to the group `video` and log in again")]
    Permission {
        /// The device.
        path: PathBuf,
    },
    /// Another program streams from it.
    #[error("camera {path} is in use by another program: stop that program (find it with `fuser {path}`)")]
    Busy {
        /// The device.
        path: PathBuf,
    },
    /// The device offers no picture format that we read.
    #[error("{path} is no camera that delivers YUYV, MJPG, NV12 or GREY: name another one")]
    Unsupported {
        /// The device.
        path: PathBuf,
    },
    /// No picture came in time; the next call waits again.
    #[error("camera {path} delivered nothing for {} ms: check its cable; it is tried again", waited.as_millis())]
    Stalled {
        /// The device.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// It was pulled; the next calls look for it again.
    #[error("camera {path} is gone: plug it in again; it is reopened within seconds of its return")]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The driver or the file system failed in another way.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what its name says, is damaged, or is over a limit.
    #[error("{path}: {reason}")]
    Media {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
}

impl CameraError {
    /// Whether it may pass by itself: a later call of `capture` can succeed without anybody changing the
    /// configuration.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, CameraError::Stalled { .. } | CameraError::Gone { .. } | CameraError::Busy { .. })
    }
}
