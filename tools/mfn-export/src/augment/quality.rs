//! What cheap cameras and far faces do to a picture: low resolution, blur, JPEG artefacts.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};

/// The picture as if it had been `side` pixels wide.
pub fn low_resolution(picture: &RgbImage, side: u32) -> RgbImage {
    let small = resize(picture, side, side, FilterType::Triangle);
    resize(&small, picture.width(), picture.height(), FilterType::Triangle)
}

/// Gaussian blur of `sigma` pixels, with the border repeated.
pub fn blur(picture: &mut RgbImage, sigma: f32) {
    let radius = (2.5 * sigma).ceil() as i32;
    let mut kernel: Vec<f32> =
        (-radius..=radius).map(|i| (-((i * i) as f32) / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let data = picture.as_mut();
    for y in 0..height {
        convolve(data, &kernel, y * 3 * width, 3, width);
    }
    for x in 0..width {
        convolve(data, &kernel, 3 * x, 3 * width, height);
    }
}

/// Convolves one line of `len` pixels that lie `step` bytes apart, in place.
fn convolve(data: &mut [u8], kernel: &[f32], start: usize, step: usize, len: usize) {
    let line: Vec<[f32; 3]> = (0..len)
        .map(|i| {
            let at = start + i * step;
            [data[at], data[at + 1], data[at + 2]].map(f32::from)
        })
        .collect();
    let radius = kernel.len() / 2;
    for i in 0..len {
        let mut sum = [0.5_f32; 3];
        for (k, weight) in kernel.iter().enumerate() {
            let from = (i + k).saturating_sub(radius).min(len - 1);
            for (sum, value) in sum.iter_mut().zip(line[from]) {
                *sum += weight * value;
            }
        }
        let at = start + i * step;
        data[at..at + 3].copy_from_slice(&sum.map(|v| v as u8));
    }
}

/// The picture after a JPEG of this quality; unchanged should the encoder refuse it.
pub fn jpeg(picture: RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&picture);
    let decoded = encoded.and_then(|()| image::load_from_memory(&bytes));
    decoded.map_or(picture, image::DynamicImage::into_rgb8)
}
