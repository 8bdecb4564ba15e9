//! Photographs on disk: what they are is read from their content, their size is checked before they
//! are decoded, and they are written whole or not at all.

use crate::{RgbImage, jpeg};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::metadata::Orientation;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader,
    ImageResult,
};
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

/// The quality that [`save_jpeg`] writes, of 100: no visible artefacts around drawn text.
const JPEG_QUALITY: u8 = 90;

/// What a photograph may be at most. The default is 64 MB of file, 50 megapixels, 16,384 a side: as
/// 8-bit RGB at most 150 MB, whatever the file holds (a 16-bit PNG takes up to 8 bytes a pixel while it
/// is converted).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhotoLimits {
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Width times height.
    pub pixels: u64,
    /// Width or height, whichever is longer, in pixels.
    pub side: u32,
}

impl Default for PhotoLimits {
    fn default() -> PhotoLimits {
        PhotoLimits { file_bytes: 64_000_000, pixels: 50_000_000, side: 16_384 }
    }
}

/// A photograph that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct PhotoError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong with it.
    #[source]
    pub cause: PhotoCause,
}

/// What can be wrong with a photograph.
#[derive(Debug, thiserror::Error)]
pub enum PhotoCause {
    /// The file system refused to read it.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// The file system refused to write it; what stood there before is unchanged.
    #[error("cannot be written: {0}")]
    Write(io::Error),
    /// A directory, a device or a pipe.
    #[error("is not an ordinary file; name a JPEG, PNG or WebP picture")]
    NotAFile,
    /// The content begins like none of the formats, whatever the name says.
    #[error("is not a JPEG, PNG or WebP picture; convert it to one of these")]
    UnknownFormat,
    /// The file is larger than the limits allow.
    #[error("has {found} bytes; at most {limit} are read: scale the picture down")]
    TooManyBytes {
        /// Bytes in the file.
        found: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The header announces more pixels than the limits allow; nothing was decoded.
    #[error(
        "is a picture of {width}x{height} pixels; at most {} pixels and {} a side are read: scale it down",
        limits.pixels, limits.side
    )]
    TooManyPixels {
        /// Width in its header.
        width: u32,
        /// Height in its header.
        height: u32,
        /// The limits in force.
        limits: PhotoLimits,
    },
    /// A known format, but cut short or damaged.
    #[error("is a broken {format} picture ({detail}); save or copy it again")]
    Broken {
        /// JPEG, PNG or WebP.
        format: &'static str,
        /// What the decoder says.
        detail: String,
    },
}

/// Reads a JPEG, PNG or WebP file as [`decode`] does.
///
/// # Errors
/// [`PhotoError`] names the file, the cause and what to do.
pub fn load(path: &Path, limits: &PhotoLimits) -> Result<RgbImage, PhotoError> {
    let read = || decode(&read_limited(path, limits)?, limits);
    read().map_err(|cause| PhotoError { path: path.to_owned(), cause })
}

fn read_limited(path: &Path, limits: &PhotoLimits) -> Result<Vec<u8>, PhotoCause> {
    // Asked before opening: opening a pipe would wait for its writer.
    let found = fs::metadata(path).map_err(PhotoCause::Read)?;
    if !found.is_file() {
        return Err(PhotoCause::NotAFile);
    }
    let too_many = |found| PhotoCause::TooManyBytes { found, limit: limits.file_bytes };
    if found.len() > limits.file_bytes {
        return Err(too_many(found.len()));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    let file = File::open(path).map_err(PhotoCause::Read)?;
    file.take(limits.file_bytes + 1).read_to_end(&mut bytes).map_err(PhotoCause::Read)?;
    if bytes.len() as u64 > limits.file_bytes {
        return Err(too_many(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Decodes a JPEG, PNG or WebP file, told apart by content, and turns it upright as its EXIF orientation
/// says. Transparency is ignored; 16-bit pictures become 8-bit.
///
/// # Errors
/// [`PhotoCause`] says what is wrong with it: another format, too large, damaged or cut short.
pub fn decode(bytes: &[u8], limits: &PhotoLimits) -> Result<RgbImage, PhotoCause> {
    let (format, name) = match image::guess_format(bytes) {
        Ok(format @ ImageFormat::Jpeg) => (format, "JPEG"),
        Ok(format @ ImageFormat::Png) => (format, "PNG"),
        Ok(format @ ImageFormat::WebP) => (format, "WebP"),
        _ => return Err(PhotoCause::UnknownFormat),
    };
    let broken = |error: ImageError| PhotoCause::Broken { format: name, detail: error.to_string() };
    if format == ImageFormat::Jpeg {
        jpeg::check_complete(bytes).map_err(|detail| PhotoCause::Broken { format: name, detail })?;
    }
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > limits.side || u64::from(width) * u64::from(height) > limits.pixels {
        return Err(PhotoCause::TooManyPixels { width, height, limits: *limits });
    }
    // A damaged EXIF block costs the orientation, not the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    RgbImage::from_raw(width, height, picture.into_raw())
        .ok_or(PhotoCause::Broken { format: name, detail: "its size is wrong".into() })
}

/// Writes a PNG file under a temporary name beside `path`, then renames it: `path` never holds half a
/// picture.
///
/// # Errors
/// [`PhotoError`] when the file system refuses; what stood at `path` is unchanged.
pub fn save_png(image: &RgbImage, path: &Path) -> Result<(), PhotoError> {
    save(path, |out| encode(image, PngEncoder::new(out)))
}

/// Writes a JPEG file as [`save_png`] writes PNG, at quality 90.
///
/// # Errors
/// As [`save_png`].
pub fn save_jpeg(image: &RgbImage, path: &Path) -> Result<(), PhotoError> {
    save(path, |out| encode(image, JpegEncoder::new_with_quality(out, JPEG_QUALITY)))
}

fn encode(image: &RgbImage, encoder: impl ImageEncoder) -> ImageResult<()> {
    encoder.write_image(image.data(), image.width(), image.height(), ExtendedColorType::Rgb8)
}

fn save(path: &Path, encode: impl FnOnce(&mut Vec<u8>) -> ImageResult<()>) -> Result<(), PhotoError> {
    let mut bytes = Vec::new();
    let written = encode(&mut bytes).map_err(io::Error::other).and_then(|()| replace(path, &bytes));
    written.map_err(|e| PhotoError { path: path.to_owned(), cause: PhotoCause::Write(e) })
}

/// The picture is not synced: after a power cut it may be gone, but what is there is whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.part", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary).and_then(|mut file| file.write_all(bytes));
    let done = written.and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        let _ = fs::remove_file(&temporary); // The first error is the one to tell.
    }
    done
}
