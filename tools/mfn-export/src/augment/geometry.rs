//! Small rotations, scalings and shifts, and rectangles painted over.

use super::between;
use crate::recipe::Augment;
use fastrand::Rng;
use image::{Rgb, RgbImage};

/// A similarity about the centre of the crop.
pub struct Move {
    /// Rotation in radians.
    pub angle: f32,
    /// Factor of the size.
    pub scale: f32,
    /// Shift in pixels, right and down.
    pub shift: [f32; 2],
}

impl Move {
    /// A random one within the recipe's limits.
    pub fn draw(how: &Augment, rng: &mut Rng) -> Self {
        let mut about = |limit: f32| between(rng, -limit, limit);
        Self {
            angle: about(how.rotate).to_radians(),
            scale: 1.0 + about(how.scale),
            shift: [about(how.shift), about(how.shift)],
        }
    }
}

/// The moved picture, bilinear, black outside as in alignment.
pub fn affine(picture: &RgbImage, by: &Move) -> RgbImage {
    let (width, height) = picture.dimensions();
    let centre = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let (sin, cos) = (by.angle.sin() / by.scale, by.angle.cos() / by.scale);
    RgbImage::from_fn(width, height, |x, y| {
        let dx = x as f32 - centre[0] - by.shift[0];
        let dy = y as f32 - centre[1] - by.shift[1];
        sample(picture, centre[0] + cos * dx + sin * dy, centre[1] - sin * dx + cos * dy)
    })
}

fn sample(picture: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let (left, top) = (left as i32, top as i32);
    let (width, height) = (picture.width() as i32, picture.height() as i32);
    let mut sum = [0.5_f32; 3];
    for (px, py, weight) in [
        (left, top, (1.0 - fx) * (1.0 - fy)),
        (left + 1, top, fx * (1.0 - fy)),
        (left, top + 1, (1.0 - fx) * fy),
        (left + 1, top + 1, fx * fy),
    ] {
        if (0..width).contains(&px) && (0..height).contains(&py) {
            let at = 3 * (py * width + px) as usize;
            let pixel = &picture.as_raw()[at..at + 3];
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += weight * f32::from(*value);
            }
        }
    }
    Rgb(sum.map(|v| v as u8))
}

/// Paints a rectangle of a random colour over 2 to 15 % of the picture (Zhong et al. 2020).
pub fn erase(picture: &mut RgbImage, rng: &mut Rng) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let area = between(rng, 0.02, 0.15) * width * height;
    let ratio = between(rng, 0.5, 2.0);
    let w = (area * ratio).sqrt().min(width - 1.0) as u32;
    let h = (area / ratio).sqrt().min(height - 1.0) as u32;
    let (left, top) = (rng.u32(0..picture.width() - w), rng.u32(0..picture.height() - h));
    let colour = Rgb([rng.u8(..), rng.u8(..), rng.u8(..)]);
    for y in top..top + h {
        for x in left..left + w {
            picture.put_pixel(x, y, colour);
        }
    }
}
