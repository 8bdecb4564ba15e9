//! From a camera's bytes to packed RGB. Everything about a frame is checked here, before its bytes
//! are touched; the pixel arithmetic is in `yuv`, the JPEG decoder's care in `jpeg`.

use crate::{Frame, PixelFormat, RgbImage, jpeg, yuv};

/// The longest side of a frame or MJPEG picture that is accepted, in pixels.
pub const MAX_FRAME_SIDE: u32 = 8192;

/// Why a [`Frame`] could not be converted. The target picture's contents are unspecified then; the
/// caller drops the frame and goes on with the next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No pixels, or more than [`MAX_FRAME_SIDE`] a side.
    #[error("frame of {width}x{height} pixels: 1 to {MAX_FRAME_SIDE} a side are accepted")]
    Size {
        /// Width that the frame claims.
        width: u32,
        /// Height that the frame claims.
        height: u32,
    },
    /// Formats with shared chroma have even sides.
    #[error("{format:?} frame of {width}x{height} pixels: pixels that share chroma come in pairs")]
    Odd {
        /// The frame's format.
        format: PixelFormat,
        /// Width that the frame claims.
        width: u32,
        /// Height that the frame claims.
        height: u32,
    },
    /// Rows would overlap.
    #[error("frame's stride of {stride} bytes is shorter than its rows of {row} bytes")]
    Stride {
        /// Stride that the frame claims.
        stride: u32,
        /// Bytes that a row needs.
        row: usize,
    },
    /// The camera delivered less than it announced.
    #[error("frame holds {found} bytes where {needed} are needed: the camera cut it short")]
    Short {
        /// Bytes in the frame.
        found: usize,
        /// Bytes that its size and stride need.
        needed: usize,
    },
    /// An MJPEG frame that is not a whole JPEG picture.
    #[error("MJPEG frame is broken: {0}")]
    Jpeg(String),
}

/// Converts a frame of any [`PixelFormat`] to RGB and gives `into` the frame's size.
///
/// Y'CbCr is read as BT.601 at limited range (Y 16 to 235, Cb and Cr 16 to 240): the USB video class
/// 1.5 (colour matching descriptor, section 3.9.2.6) defaults to SMPTE 170M's matrix, and V4L2's
/// `V4L2_MAP_QUANTIZATION_DEFAULT` to limited range for every Y'CbCr that is not JPEG. MJPEG is full
/// range (JFIF 1.02). `Grey` is copied as it is.
///
/// Allocates only when `into` grows, and within the JPEG decoder.
///
/// # Errors
/// [`FrameError`] when size, stride and length do not fit together or a JPEG is broken.
pub fn to_rgb(frame: &Frame, into: &mut RgbImage) -> Result<(), FrameError> {
    check_size(frame)?;
    if frame.format == PixelFormat::Mjpeg {
        return jpeg::decode(&frame.data, (frame.width, frame.height), into).map_err(FrameError::Jpeg);
    }
    let layout = Layout::of(frame)?;
    into.reshape(frame.width, frame.height);
    let luma = frame.data.chunks(layout.stride).map(|row| &row[..layout.row]);
    let targets = into.data_mut().chunks_exact_mut(3 * frame.width as usize);
    match frame.format {
        PixelFormat::Rgb => targets.zip(luma).for_each(|(to, row)| to.copy_from_slice(row)),
        PixelFormat::Grey => targets.zip(luma).for_each(|(to, row)| yuv::grey_row(row, to)),
        PixelFormat::Yuyv => targets.zip(luma).for_each(|(to, row)| yuv::yuyv_row(row, to)),
        PixelFormat::Nv12 => {
            let chroma = &frame.data[layout.stride * frame.height as usize..];
            let rows = targets.zip(luma).enumerate();
            rows.for_each(|(y, (to, row))| {
                let pairs = &chroma[(y / 2) * layout.stride..][..layout.row];
                yuv::nv12_row(row, pairs, to);
            });
        }
        PixelFormat::Mjpeg => unreachable!("returned above"),
    }
    Ok(())
}

fn check_size(frame: &Frame) -> Result<(), FrameError> {
    let (width, height) = (frame.width, frame.height);
    let fits = |side: u32| (1..=MAX_FRAME_SIDE).contains(&side);
    if !fits(width) || !fits(height) {
        return Err(FrameError::Size { width, height });
    }
    let pairs_across = matches!(frame.format, PixelFormat::Yuyv | PixelFormat::Nv12);
    let pairs_down = frame.format == PixelFormat::Nv12;
    if (pairs_across && !width.is_multiple_of(2)) || (pairs_down && !height.is_multiple_of(2)) {
        return Err(FrameError::Odd { format: frame.format, width, height });
    }
    Ok(())
}

/// Where the rows of an uncompressed frame lie; once made, every row is inside the data.
struct Layout {
    row: usize,
    stride: usize,
}

impl Layout {
    fn of(frame: &Frame) -> Result<Layout, FrameError> {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let (bytes, rows) = match frame.format {
            PixelFormat::Rgb => (3, height),
            PixelFormat::Yuyv => (2, height),
            PixelFormat::Nv12 => (1, height + height / 2),
            PixelFormat::Grey | PixelFormat::Mjpeg => (1, height),
        };
        let layout = Layout { row: bytes * width, stride: frame.stride as usize };
        if layout.stride < layout.row {
            return Err(FrameError::Stride { stride: frame.stride, row: layout.row });
        }
        // Drivers may leave out the padding after the last row.
        let needed = (rows - 1)
            .checked_mul(layout.stride)
            .and_then(|before| before.checked_add(layout.row))
            .unwrap_or(usize::MAX);
        if frame.data.len() < needed {
            return Err(FrameError::Short { found: frame.data.len(), needed });
        }
        Ok(layout)
    }
}
