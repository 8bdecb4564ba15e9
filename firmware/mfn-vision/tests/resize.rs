//! Resizing against OpenCV 5, and what must hold for every picture.

mod common;

use common::{any_picture, data, difference, picture};
use mfn_vision::{RgbImage, fit, halve, resize};
use proptest::prelude::*;

/// 28x24 is a quarter: there the expected picture is OpenCV's mean over 4x4 pixels.
#[test]
fn sizes_are_those_of_opencv() {
    let from = picture(&data("sizes.png"));
    for (w, h) in [(70, 60), (150, 120), (28, 24)] {
        let mut to = RgbImage::new(w, h);
        resize(&from, &mut to);
        let (mean, most) = difference(to.data(), picture(&data(&format!("sizes-{w}x{h}.png"))).data());
        println!("{w}x{h}: mean {mean:.4}, greatest {most}");
        assert!(mean < 0.3 && most <= 1, "{w}x{h}: mean {mean}, greatest {most}");
    }
}

/// Where shrinking is by more than two, single lines must not vanish or dominate.
#[test]
fn fine_stripes_become_grey_when_shrunk() {
    let stripes: Vec<u8> = (0..320 * 240).flat_map(|i| [if i % 2 == 0 { 0 } else { 254 }; 3]).collect();
    let from = RgbImage::from_raw(320, 240, stripes).unwrap();
    for (w, h) in [(160, 120), (100, 75), (80, 60), (33, 25)] {
        let mut to = RgbImage::new(w, h);
        assert!(fit(&from, &mut to) > 0.0);
        let used = (h as f32 * 0.98) as usize * 3 * w as usize;
        assert!(to.data()[..used].iter().all(|&v| v.abs_diff(127) <= 1), "{w}x{h}");
    }
}

#[test]
fn fit_keeps_the_ratio_and_blackens_the_rest() {
    let from = RgbImage::from_raw(640, 480, vec![255; 3 * 640 * 480]).unwrap();
    let mut to = RgbImage::from_raw(320, 256, vec![9; 3 * 320 * 256]).unwrap();
    assert_eq!(fit(&from, &mut to), 0.5);
    assert!((0..240).all(|y| to.row(y).iter().all(|&v| v == 255)));
    assert!((240..256).all(|y| to.row(y).iter().all(|&v| v == 0)));
    let mut narrow = RgbImage::new(320, 100);
    assert!((fit(&from, &mut narrow) - 100.0 / 480.0).abs() < 1e-6);
    assert!((0..100).all(|y| narrow.row(y)[..3 * 133] == [255; 399] && narrow.row(y)[3 * 133..] == [0; 561]));
}

#[test]
fn empty_pictures_give_black() {
    let mut to = RgbImage::from_raw(2, 2, vec![9; 12]).unwrap();
    assert_eq!(fit(&RgbImage::default(), &mut to), 0.0);
    assert_eq!(to.data(), [0; 12]);
    let mut to = RgbImage::from_raw(2, 2, vec![9; 12]).unwrap();
    resize(&RgbImage::default(), &mut to);
    assert_eq!(to.data(), [0; 12]);
    assert_eq!(fit(&to, &mut RgbImage::default()), 0.0);
    resize(&to, &mut RgbImage::default());
    halve(&RgbImage::new(1, 1), &mut to);
    assert_eq!((to.width(), to.height()), (0, 0));
}

proptest! {
    #[test]
    fn a_constant_picture_stays_constant(
        level in any::<[u8; 3]>(), w in 1..90_u32, h in 1..90_u32, tw in 1..90_u32, th in 1..90_u32,
    ) {
        let from = RgbImage::from_raw(w, h, level.repeat((w * h) as usize)).unwrap();
        let mut to = RgbImage::new(tw, th);
        resize(&from, &mut to);
        prop_assert!(to.data().chunks(3).all(|pixel| pixel == level));
    }

    #[test]
    fn the_same_size_is_a_copy(from in any_picture()) {
        let mut to = RgbImage::new(from.width(), from.height());
        resize(&from, &mut to);
        prop_assert_eq!(&to, &from);
        prop_assert_eq!(fit(&from, &mut to), 1.0);
        prop_assert_eq!(&to, &from);
    }

    #[test]
    fn half_the_size_is_halve(from in any_picture()) {
        let even = from.width() % 2 == 0 && from.height() % 2 == 0;
        let (mut half, mut to) = (RgbImage::default(), RgbImage::new(from.width() / 2, from.height() / 2));
        halve(&from, &mut half);
        resize(&from, &mut to);
        prop_assert!(!even || half == to);
    }

    #[test]
    fn fit_returns_the_scale_of_its_picture(w in 1..200_u32, h in 1..200_u32, tw in 1..90_u32, th in 1..90_u32) {
        let from = RgbImage::from_raw(w, h, vec![255; (3 * w * h) as usize]).unwrap();
        let mut to = RgbImage::new(tw, th);
        let scale = fit(&from, &mut to);
        let white = to.data().iter().filter(|&&v| v == 255).count() / 3;
        let side = |n: u32, limit: u32| ((n as f32 * scale).round() as u32).clamp(1, limit);
        prop_assert_eq!(white as u32, side(w, tw) * side(h, th));
        prop_assert!(to.data().iter().all(|&v| v == 0 || v == 255));
    }
}
