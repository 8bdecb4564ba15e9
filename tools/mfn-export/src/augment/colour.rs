//! Brightness, contrast, saturation, colour cast, and grey.

use super::between;
use fastrand::Rng;
use image::RgbImage;

/// Luma weights of ITU-R BT.601.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Changes brightness, contrast and saturation by up to `strength`, and each channel by up to a
/// quarter of that, as light of another colour does.
pub fn shift(picture: &mut RgbImage, strength: f32, rng: &mut Rng) {
    let mut factor = |s: f32| between(rng, 1.0 - s, 1.0 + s);
    let (brightness, contrast, saturation) = (factor(strength), factor(strength), factor(strength));
    let cast = [factor(strength / 4.0), factor(strength / 4.0), factor(strength / 4.0)];
    let mean = mean_luma(picture) * brightness;
    for pixel in picture.pixels_mut() {
        let grey = luma(pixel.0);
        for (value, cast) in pixel.0.iter_mut().zip(cast) {
            let coloured = (grey + saturation * (f32::from(*value) - grey)) * cast * brightness;
            *value = (mean + contrast * (coloured - mean) + 0.5) as u8;
        }
    }
}

/// Takes the colour away.
pub fn grey(picture: &mut RgbImage) {
    for pixel in picture.pixels_mut() {
        pixel.0 = [(luma(pixel.0) + 0.5) as u8; 3];
    }
}

fn luma(pixel: [u8; 3]) -> f32 {
    pixel.iter().zip(LUMA).map(|(v, w)| w * f32::from(*v)).sum()
}

fn mean_luma(picture: &RgbImage) -> f32 {
    let sum: f32 = picture.pixels().map(|p| luma(p.0)).sum();
    sum / (picture.width() * picture.height()) as f32
}
