//! Varied views of a crop: the same face, seed and round give the same view.

pub(crate) mod colour;
mod geometry;
pub(crate) mod quality;

use crate::recipe::Augment;
use fastrand::Rng;
use image::RgbImage;

/// Makes one view; every random number comes from `rng`.
pub fn vary(picture: RgbImage, how: &Augment, rng: &mut Rng) -> RgbImage {
    let mut view = picture;
    if chance(rng, how.flip) {
        image::imageops::flip_horizontal_in_place(&mut view);
    }
    if chance(rng, how.affine) {
        view = geometry::affine(&view, &geometry::Move::draw(how, rng));
    }
    if chance(rng, how.low_resolution) {
        view = quality::low_resolution(&view, rng.u32(how.smallest_side..=96));
    }
    if chance(rng, how.blur) {
        quality::blur(&mut view, between(rng, 0.4, 1.5));
    }
    if chance(rng, how.colour) {
        colour::shift(&mut view, how.colour_strength, rng);
    }
    if chance(rng, how.grey) {
        colour::grey(&mut view);
    }
    if chance(rng, how.jpeg) {
        view = quality::jpeg(view, rng.u8(25..=90));
    }
    if chance(rng, how.erase) {
        geometry::erase(&mut view, rng);
    }
    view
}

pub(crate) fn chance(rng: &mut Rng, probability: f32) -> bool {
    rng.f32() < probability
}

pub(crate) fn between(rng: &mut Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.f32()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn ramp() -> RgbImage {
        RgbImage::from_fn(112, 112, |x, y| Rgb([2 * x as u8, 2 * y as u8, (x + y) as u8]))
    }

    fn everything() -> Augment {
        Augment {
            flip: 1.0,
            affine: 1.0,
            colour: 1.0,
            grey: 0.0,
            blur: 1.0,
            jpeg: 1.0,
            low_resolution: 1.0,
            erase: 1.0,
            ..Augment::default()
        }
    }

    #[test]
    fn the_seed_decides_the_view() {
        let view = |seed| vary(ramp(), &everything(), &mut Rng::with_seed(seed));
        assert_eq!(view(1), view(1));
        assert_ne!(view(1), view(2));
        assert_eq!(view(1).dimensions(), (112, 112));
    }

    #[test]
    fn no_chance_leaves_the_picture_alone() {
        let none = Augment {
            flip: 0.0,
            affine: 0.0,
            colour: 0.0,
            grey: 0.0,
            blur: 0.0,
            jpeg: 0.0,
            low_resolution: 0.0,
            erase: 0.0,
            ..Augment::default()
        };
        assert_eq!(vary(ramp(), &none, &mut Rng::with_seed(1)), ramp());
    }

    #[test]
    fn a_view_stays_near_its_crop() {
        let mild = Augment { erase: 0.0, flip: 0.0, ..everything() };
        for seed in 0..20 {
            let view = vary(ramp(), &mild, &mut Rng::with_seed(seed));
            let difference: f64 =
                view.iter().zip(ramp().iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
            assert!(difference / (3.0 * 112.0 * 112.0) < 60.0, "seed {seed}: {difference}");
        }
    }
}
