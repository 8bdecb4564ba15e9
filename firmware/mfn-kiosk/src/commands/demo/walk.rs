//! A camera's view of somebody who walks up to the door, rendered from a portrait: each frame differs in
//! scale, place, light and noise. The same seed gives the same frames.

use mfn_vision::{Rect, RgbImage, resize};

/// Size of the rendered frames.
pub const WIDTH: u32 = 640;
/// Size of the rendered frames.
pub const HEIGHT: u32 = 480;

/// Height of the face as a share of the frame, far away and at the door.
const FAR_NEAR: [f32; 2] = [0.22, 0.34];
/// Where the face's centre is, as a share of the frame's height.
const EYE_LEVEL: f32 = 0.4;
/// How far a walker sways to either side, in pixels.
const SWAY: f32 = 36.0;
/// Light of a frame, times its grey levels.
const LIGHT: [f32; 2] = [0.82, 1.12];
/// Largest noise of a pixel's channel, in grey levels.
const NOISE: i32 = 9;

/// A portrait and where its face is.
pub struct Portrait {
    /// The picture.
    pub picture: RgbImage,
    /// The face in it.
    pub face: Rect,
}

/// Renders frames; owns the random numbers and the buffer of the scaled portrait.
pub struct Walk {
    random: fastrand::Rng,
    wall: RgbImage,
    scaled: RgbImage,
}

impl Walk {
    /// A walk whose frames follow from the seed.
    pub fn new(seed: u64) -> Walk {
        Walk { random: fastrand::Rng::with_seed(seed), wall: wall(), scaled: RgbImage::default() }
    }

    /// The scene with nobody in it.
    pub fn empty(&mut self, frame: &mut RgbImage) {
        frame.clone_from(&self.wall);
        self.light_and_noise(frame);
    }

    /// The portrait's person at `progress` of the way, 0 (far) to 1 (at the door).
    pub fn person(&mut self, portrait: &Portrait, progress: f32, frame: &mut RgbImage) {
        frame.clone_from(&self.wall);
        let Portrait { picture, face } = portrait;
        let jitter = 0.02 * (self.random.f32() - 0.5);
        let share = FAR_NEAR[0] + (FAR_NEAR[1] - FAR_NEAR[0]) * progress + jitter;
        let scale = share * HEIGHT as f32 / face.h;
        let scaled = |side: u32| (side as f32 * scale) as u32;
        self.scaled.reshape(scaled(picture.width()), scaled(picture.height()));
        resize(picture, &mut self.scaled);
        let sway = SWAY * (2.0 * self.random.f32() - 1.0);
        let left = WIDTH as f32 / 2.0 + sway - scale * (face.x + face.w / 2.0);
        let top = HEIGHT as f32 * EYE_LEVEL + 6.0 * self.random.f32() - scale * (face.y + face.h / 2.0);
        paste(&self.scaled, left as i32, top as i32, frame);
        self.light_and_noise(frame);
    }

    /// One light for the frame, noise for each channel of each pixel.
    fn light_and_noise(&mut self, frame: &mut RgbImage) {
        let light = LIGHT[0] + (LIGHT[1] - LIGHT[0]) * self.random.f32();
        let light = (256.0 * light) as i32;
        for bytes in frame.data_mut().chunks_mut(8) {
            let mut bits = self.random.u64(..);
            for byte in bytes {
                // The sum of two numbers of 4 bits is triangular noise, about -NOISE to NOISE.
                let noise = ((bits & 15) + ((bits >> 4) & 15)) as i32 - 15;
                bits >>= 8;
                *byte = (((i32::from(*byte) * light) >> 8) + noise * NOISE / 15).clamp(0, 255) as u8;
            }
        }
    }
}

/// Copies the part of `picture` that lies inside `frame` when its corner is at (`left`, `top`).
fn paste(picture: &RgbImage, left: i32, top: i32, frame: &mut RgbImage) {
    let (width, x0) = (frame.width() as i32, left.max(0));
    let x1 = (left + picture.width() as i32).min(width);
    if x1 <= x0 {
        return;
    }
    for y in top.max(0)..(top + picture.height() as i32).min(frame.height() as i32) {
        let from = &picture.row((y - top) as u32)[3 * (x0 - left) as usize..][..3 * (x1 - x0) as usize];
        frame.data_mut()[3 * (y * width + x0) as usize..][..from.len()].copy_from_slice(from);
    }
}

/// What the camera sees when nobody is there: a hallway wall, a floor, a lamp's glow and a door's frame.
fn wall() -> RgbImage {
    let mut image = RgbImage::new(WIDTH, HEIGHT);
    for (i, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = ((i as u32 % WIDTH) as f32, (i as u32 / WIDTH) as f32);
        let glow = 60.0 * (-((x - 470.0).powi(2) + (y - 60.0).powi(2)) / 40_000.0).exp();
        let door = (60.0..=76.0).contains(&x) || (220.0..=236.0).contains(&x);
        let colour = match (y > 410.0, door && y > 70.0) {
            (true, _) => [96.0, 84.0, 74.0],
            (false, true) => [70.0, 62.0, 56.0],
            (false, false) => [150.0, 152.0, 148.0],
        };
        for (channel, base) in pixel.iter_mut().zip(colour) {
            *channel = (base + glow - y / 16.0) as u8;
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(walk: &mut Walk, progress: f32) -> RgbImage {
        let picture = RgbImage::from_raw(60, 90, vec![200; 60 * 90 * 3]).unwrap();
        let face = Rect { x: 20.0, y: 20.0, w: 20.0, h: 30.0 };
        let portrait = Portrait { picture, face };
        let mut frame = RgbImage::default();
        walk.person(&portrait, progress, &mut frame);
        frame
    }

    #[test]
    fn frames_differ_and_follow_from_the_seed() {
        let (mut walk, mut again) = (Walk::new(7), Walk::new(7));
        let first = person(&mut walk, 0.0);
        assert_eq!((first.width(), first.height()), (WIDTH, HEIGHT));
        assert_eq!(first, person(&mut again, 0.0));
        assert_ne!(first, person(&mut walk, 0.0));
        assert_ne!(first, person(&mut Walk::new(8), 0.0));
    }

    #[test]
    fn somebody_near_fills_more_of_the_frame() {
        let bright = |frame: &RgbImage| frame.data().iter().filter(|&&v| v > 155).count();
        let mut walk = Walk {
            random: fastrand::Rng::with_seed(1),
            wall: RgbImage::new(WIDTH, HEIGHT),
            scaled: RgbImage::default(),
        };
        assert!(bright(&person(&mut walk, 1.0)) > 13 * bright(&person(&mut walk, 0.0)) / 10);
    }

    #[test]
    fn pasting_clips_at_every_edge() {
        let picture = RgbImage::from_raw(4, 4, vec![9; 48]).unwrap();
        for (left, top, inside) in [(-2, -2, 4), (3, 3, 1), (-9, 0, 0), (0, 9, 0), (0, 0, 16)] {
            let mut frame = RgbImage::new(4, 4);
            paste(&picture, left, top, &mut frame);
            assert_eq!(frame.data().iter().filter(|&&v| v == 9).count(), 3 * inside, "{left} {top}");
        }
    }
}
