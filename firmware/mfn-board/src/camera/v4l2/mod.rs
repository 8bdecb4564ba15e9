//! A Video4Linux2 camera that outlives its cable: opened by path, found again by its /dev/v4l/by-id link.
//!
//! Tested against a simulated device below v4l's system calls (`tests/v4l2-sim`). Not yet measured, as it
//! takes a real camera: how long a camera's exposure needs to settle, how often USB cameras flag damaged
//! pictures, and the time from plugging in to the first picture (the kernel's and udev's share of it).
//! Single-planar devices only: a Raspberry Pi's or Jetson's CSI sensor without its vendor's V4L2 bridge is
//! not one.

mod device;
mod links;
mod modes;

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use mfn_vision::{Frame, RgbImage, to_rgb};

use self::device::{Device, Next};
use super::{Camera, CameraError, CameraOptions, Captured};

/// How often a camera that is gone is looked for.
const SEARCH_EVERY: Duration = Duration::from_millis(250);

/// The longest stall limit that is used: v4l panics beyond 24 days.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A picture whose mean of all RGB bytes is below this is dark: a sensor before its exposure has settled.
const DARK_BELOW: u64 = 24;

/// See [`super::CameraSource::V4l2`].
pub struct V4l2Camera {
    /// As configured.
    path: PathBuf,
    /// The link that follows the camera to another number, where udev made one.
    link: Option<PathBuf>,
    options: CameraOptions,
    device: Option<Device>,
    /// The number of the next frame if none is lost.
    sequence: u64,
}

impl V4l2Camera {
    /// Opens the device, picks a mode, and passes the dark pictures at its start.
    pub fn open(path: &Path, options: &CameraOptions) -> Result<V4l2Camera, CameraError> {
        let link = links::stable_link(path);
        let options = CameraOptions { stall_after: options.stall_after.min(LONGEST_WAIT), ..*options };
        let mut camera = V4l2Camera { path: path.into(), link, options, device: None, sequence: 0 };
        camera.device = Some(camera.start()?);
        log::info!("{}", camera.describe());
        Ok(camera)
    }

    /// Where the camera is now.
    fn current_path(&self) -> &Path {
        self.link.as_deref().unwrap_or(&self.path)
    }

    fn start(&self) -> Result<Device, CameraError> {
        let mut device = Device::open(self.current_path(), &self.options, self.sequence)?;
        self.settle(&mut device)?;
        Ok(device)
    }

    /// Passes dark and damaged pictures, at most as many as the options say.
    fn settle(&self, device: &mut Device) -> Result<(), CameraError> {
        let mut frame = Frame::empty();
        let mut picture = RgbImage::default();
        for _ in 0..self.options.settle_frames {
            self.wait_for_picture(device, &mut frame)?;
            if to_rgb(&frame, &mut picture).is_ok() && !is_dark(&picture) {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next whole picture; damaged ones are passed over.
    fn wait_for_picture(&self, device: &mut Device, frame: &mut Frame) -> Result<(), CameraError> {
        let deadline = Instant::now() + self.options.stall_after;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match device.next(left, frame)? {
                Next::Picture => return Ok(()),
                Next::Damaged if !left.is_zero() => {}
                Next::Damaged | Next::Nothing => {
                    let waited = self.options.stall_after;
                    return Err(CameraError::Stalled { path: self.current_path().into(), waited });
                }
            }
        }
    }

    /// Looks for the camera until it is back or the stall limit has passed.
    fn reopen(&self) -> Result<Device, CameraError> {
        let deadline = Instant::now() + self.options.stall_after;
        loop {
            // Right after its return a node may not be permitted yet: udev sets its group a little later.
            let error = match self.start() {
                Ok(device) => return Ok(device),
                Err(CameraError::Absent { path }) => CameraError::Gone { path },
                Err(error) => error,
            };
            if Instant::now() + SEARCH_EVERY > deadline {
                return Err(error);
            }
            thread::sleep(SEARCH_EVERY);
        }
    }
}

/// Whether a picture is as dark as a sensor's first ones.
fn is_dark(picture: &RgbImage) -> bool {
    let sum: u64 = picture.data().iter().map(|&byte| u64::from(byte)).sum();
    sum < DARK_BELOW * picture.data().len() as u64
}

impl Camera for V4l2Camera {
    fn capture(&mut self, frame: &mut Frame) -> Result<Captured, CameraError> {
        let mut device = match self.device.take() {
            Some(device) => device,
            None => {
                let device = self.reopen()?;
                log::info!("camera {} is back", self.current_path().display());
                device
            }
        };
        // On an error the device is closed here, and the next call opens it anew.
        self.wait_for_picture(&mut device, frame)?;
        frame.captured_at = self.options.start.elapsed();
        self.sequence = frame.sequence + 1;
        self.device = Some(device);
        Ok(Captured::Picture)
    }

    fn describe(&self) -> String {
        let mode = self.device.as_ref().map_or("closed".into(), Device::mode);
        format!("V4L2 camera {}, {mode}", self.current_path().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_is_dark_and_a_dim_corridor_is_not() {
        let mut picture = RgbImage::new(8, 8);
        assert!(is_dark(&picture));
        picture.data_mut().fill(30);
        assert!(!is_dark(&picture));
    }
}
