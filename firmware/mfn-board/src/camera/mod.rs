//! The camera trait, what can be said about a camera before it is opened, and the one place that opens it.

mod error;
mod files;
mod scripted;
mod spec;
mod v4l2;

use mfn_vision::Frame;

use self::{
    files::{FileCamera, Photos, Video},
    v4l2::V4l2Camera,
};

pub use error::CameraError;
pub use scripted::ScriptedCamera;
pub use spec::{CameraOptions, CameraSource, Pace, Size, SpecError};

/// What a call of [`Camera::capture`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captured {
    /// The frame holds a new picture.
    Picture,
    /// A finite source has shown everything; every later call says so again.
    End,
}

/// Where pictures come from.
pub trait Camera: Send {
    /// Waits for the next picture and writes it into `frame`, whose buffer is reused.
    ///
    /// Waits no longer than the camera's stall limit or pace. After an error the frame's contents are
    /// unspecified and the call may be repeated: a device that was pulled, stalled or failed is reopened by
    /// the next calls, a photograph that is broken is passed over, a broken video has ended.
    ///
    /// # Errors
    /// See [`CameraError`]; [`CameraError::is_passing`] says whether waiting helps.
    fn capture(&mut self, frame: &mut Frame) -> Result<Captured, CameraError>;

    /// One line for people: what it is, where it is, its mode.
    fn describe(&self) -> String;
}

/// Opens a camera.
///
/// # Errors
/// The source is absent, not permitted, in use, or is not a camera, picture or video.
pub fn open_camera(source: &CameraSource, options: &CameraOptions) -> Result<Box<dyn Camera>, CameraError> {
    Ok(match source {
        CameraSource::V4l2(path) => Box::new(V4l2Camera::open(path, options)?),
        CameraSource::Photos(files) => Box::new(FileCamera::new(Photos::list(files)?, options)),
        CameraSource::Folder(folder) => Box::new(FileCamera::new(Photos::folder(folder)?, options)),
        CameraSource::Video(file) => Box::new(FileCamera::new(Video::open(file)?, options)),
    })
}
