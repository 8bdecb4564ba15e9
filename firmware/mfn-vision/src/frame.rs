//! What a camera delivers: bytes in one of the pixel formats, with number and time.

use std::time::Duration;

/// How the bytes of a [`Frame`] are laid out; the names are V4L2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Three bytes a pixel: red, green, blue (`RGB3`).
    Rgb,
    /// Two bytes a pixel: Y0 U Y1 V (`YUYV`, 4:2:2).
    Yuyv,
    /// A full-size Y plane, then a half-size interleaved UV plane (`NV12`, 4:2:0).
    Nv12,
    /// One byte a pixel (`GREY`).
    Grey,
    /// One JPEG file a frame (`MJPG`).
    Mjpeg,
}

/// One picture as it came from a camera. Reused between captures: only `data` is large.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Layout of `data`.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row to the next (of the first plane); 0 for `Mjpeg`.
    pub stride: u32,
    /// The picture's bytes.
    pub data: Vec<u8>,
    /// Counts captures; gaps are frames that the camera dropped.
    pub sequence: u64,
    /// When it was captured, since a start that the camera's owner chose (monotonic).
    pub captured_at: Duration,
}

impl Frame {
    /// An empty frame, to be filled by a camera.
    #[must_use]
    pub fn empty() -> Frame {
        Frame {
            format: PixelFormat::Rgb,
            width: 0,
            height: 0,
            stride: 0,
            data: Vec::new(),
            sequence: 0,
            captured_at: Duration::ZERO,
        }
    }
}
