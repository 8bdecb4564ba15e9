//! Faces from archives and folders, streamed: nothing but names and offsets is kept in memory.

mod archive;
mod dataset;
mod loader;
mod order;
mod recordio;

pub use archive::{Archive, Member};
pub(crate) use dataset::resolve;
pub use dataset::{Dataset, Face, Span};
pub use loader::{Loader, Maker, Views};
pub use order::{Order, Slot, generator};

use crate::arch::INPUT_SIDE;
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use mfn_vision::photo::{self, PhotoLimits};

/// Decodes any picture as the device does, which takes none that was cut short.
pub fn picture(bytes: &[u8]) -> Result<mfn_vision::RgbImage> {
    Ok(photo::decode(bytes, &PhotoLimits::default())?)
}

/// Decodes an aligned crop of 112x112 pixels; an error says what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<RgbImage> {
    let picture = picture(bytes)?;
    let (width, height, side) = (picture.width(), picture.height(), INPUT_SIDE as u32);
    ensure!(
        (width, height) == (side, side),
        "is {width}x{height} pixels, not an aligned crop of {side}x{side}"
    );
    RgbImage::from_raw(side, side, picture.data().to_vec()).context("has no pixels")
}

/// Writes packed RGB bytes of a picture as the networks take them, `[3, height, width]`, (pixel - 127.5) / 127.5.
pub fn normalise(pixels: &[u8], out: &mut [f32]) {
    let plane = pixels.len() / 3;
    for (i, pixel) in pixels.chunks_exact(3).enumerate() {
        for (channel, value) in pixel.iter().enumerate() {
            out[channel * plane + i] = (f32::from(*value) - 127.5) / 127.5;
        }
    }
}
