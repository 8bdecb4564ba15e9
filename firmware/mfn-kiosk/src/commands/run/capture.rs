//! The capture thread: camera to slot, never waiting for inference (unless the source is a file that is to
//! be read as fast as frames are processed).

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use mfn_board::{CameraError, CameraSource, Captured, Pace, open_camera};
use mfn_vision::Frame;

use super::Shared;
use super::news::News;
use crate::config::CameraSetup;
use crate::exit::{Exit, Failure, OrExit};

/// Pause before a camera that failed is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Captures until the source ends or nobody takes frames any more.
///
/// # Errors
/// The source cannot be opened, or is a file that is broken.
pub fn capture(setup: &CameraSetup, shared: &Shared) -> Result<(), Failure> {
    let mut camera = open_camera(&setup.source, &setup.options).or_exit(Exit::Camera)?;
    shared.tell(News::CameraOpen(camera.describe()));
    let fastest = setup.options.pace == Pace::Fastest && !is_device(&setup.source);
    let mut frame = Frame::empty();
    let mut failing = false;
    loop {
        match camera.capture(&mut frame) {
            Ok(Captured::Picture) => {
                // Numbered here, so that numbers rise over a camera's reopening.
                frame.sequence = 1 + shared.seen.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut failing) {
                    shared.tell(News::CameraOpen(camera.describe()));
                }
                if fastest && !shared.slot.wait_until_taken() {
                    return Ok(());
                }
                shared.slot.put(&mut frame);
            }
            Ok(Captured::End) => {
                shared.slot.close();
                return Ok(());
            }
            Err(e) if is_device(&setup.source) => {
                fail(&e, &mut failing, shared);
                thread::sleep(PAUSE);
            }
            Err(e) => return Err(e).or_exit(Exit::Camera),
        }
        if shared.stopping() {
            return Ok(());
        }
    }
}

/// A camera that fails is told once, and asked again until it works.
fn fail(error: &CameraError, failing: &mut bool, shared: &Shared) {
    if !std::mem::replace(failing, true) {
        shared.tell(News::CameraTrouble(error.to_string()));
    }
}

fn is_device(source: &CameraSource) -> bool {
    matches!(source, CameraSource::V4l2(_))
}
