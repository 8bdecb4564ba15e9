//! Alignment against OpenCV 5 and float64 references, on known transforms, and on nonsense.

mod common;

use common::{any_landmarks, any_picture, data, difference, expected, fixture, landmarks, picture};
use mfn_vision::{
    AlignError, AlignedFace, CROP_LANDMARKS, Landmarks, Point, RgbImage, Similarity, align, halve, warp,
};
use proptest::prelude::*;

/// The contract: mean difference from OpenCV 5's bilinear warpAffine, in grey levels.
const LIMIT: f64 = 0.02;

#[test]
fn crops_are_those_of_opencv_5() {
    for case in expected("crops") {
        let name = case["crop"].as_str().unwrap();
        let frame = picture(&data(case["picture"].as_str().unwrap()));
        let mut crop = AlignedFace::new();
        align(&frame, &landmarks(&case), &mut crop).unwrap();
        let (mean, most) = difference(crop.data(), picture(&data(name)).data());
        println!("{name}: mean {mean:.6}, greatest {most}");
        assert!(mean <= LIMIT && most <= 1, "{name}: mean {mean}, greatest {most}");
    }
}

#[test]
fn similarity_agrees_with_umeyama_by_singular_values() {
    for case in expected("crops") {
        let found = Similarity::between(&landmarks(&case).0, &CROP_LANDMARKS.0).unwrap();
        let wanted = case["scale"].as_f64().unwrap();
        assert!((f64::from(found.scale()) - wanted).abs() < 1e-5 * wanted);
    }
}

/// The second path on the large portraits: it is the same as halving by hand, and it matters.
#[test]
fn large_faces_are_read_from_the_halved_picture() {
    let mut halved = 0;
    for case in expected("large") {
        let name = case["picture"].as_str().unwrap();
        let (frame, points) = (picture(&fixture(name)), landmarks(&case));
        let to_crop = Similarity::between(&points.0, &CROP_LANDMARKS.0).unwrap();
        let mut crop = AlignedFace::new();
        align(&frame, &points, &mut crop).unwrap();
        let change = difference(crop.data(), plain_crop(&frame, &points).data()).0;
        println!("{name}: scale {:.3}, change {change:.2} grey levels", to_crop.scale());
        if to_crop.scale() >= 0.5 {
            assert!(change == 0.0, "{name} needs no halving");
            continue;
        }
        halved += 1;
        let (mut half, in_half) = (RgbImage::default(), points.0.map(to_half));
        halve(&frame, &mut half);
        let by_hand = plain_crop(&half, &Landmarks(in_half));
        let (mean, most) = difference(crop.data(), by_hand.data());
        assert!(mean < 0.3 && most <= 1, "{name}: rounding of the half only, not {mean} and {most}");
        assert!(change > 1.0, "{name}: bilinear alone would alias");
    }
    assert!(halved >= 2, "portraits large enough for the second path");
}

fn to_half(p: Point) -> Point {
    Point { x: (p.x - 0.5) / 2.0, y: (p.y - 0.5) / 2.0 }
}

fn plain_crop(frame: &RgbImage, points: &Landmarks) -> RgbImage {
    let to_crop = Similarity::between(&points.0, &CROP_LANDMARKS.0).unwrap();
    let mut crop = RgbImage::new(112, 112);
    warp(frame, &to_crop, &mut crop);
    crop
}

#[test]
fn nonsense_is_refused_and_leaves_the_crop() {
    let frame = RgbImage::from_raw(64, 48, vec![200; 3 * 64 * 48]).unwrap();
    let good = Landmarks(CROP_LANDMARKS.0.map(|p| Point { x: p.x / 2.0, y: p.y / 2.0 }));
    let with = |x: f32| {
        let mut bad = good;
        bad.0[2].x = x;
        bad
    };
    let mut crop = AlignedFace::new();
    for (points, wanted) in [
        (Landmarks::default(), AlignError::NotAFace),
        (Landmarks([Point { x: 20.0, y: 30.0 }; 5]), AlignError::NotAFace),
        (with(f32::NAN), AlignError::NotFinite),
        (with(f32::INFINITY), AlignError::NotFinite),
        (with(1e30), AlignError::FarOutside),
        (with(-65.0), AlignError::FarOutside),
    ] {
        assert_eq!(align(&frame, &points, &mut crop), Err(wanted), "{points:?}");
    }
    assert_eq!(crop, AlignedFace::new(), "unchanged");
    assert_eq!(align(&RgbImage::default(), &good, &mut crop), Err(AlignError::FarOutside));
    assert_eq!(align(&frame, &good, &mut crop), Ok(()));
}

#[test]
fn only_crops_become_aligned_faces() {
    assert!(AlignedFace::from_rgb(&RgbImage::new(112, 111)).is_none());
    let crop = AlignedFace::from_rgb(&picture(&data("edge-crop.png"))).unwrap();
    assert_eq!(crop.data().len(), 3 * AlignedFace::SIDE * AlignedFace::SIDE);
    assert_eq!(crop.image().width(), 112);
}

/// A rotation and scale as a pair, a shift, as points go through it.
fn moved(points: &[Point; 5], (a, b, tx, ty): (f32, f32, f32, f32)) -> [Point; 5] {
    points.map(|p| Point { x: a * p.x - b * p.y + tx, y: b * p.x + a * p.y + ty })
}

fn any_motion() -> impl Strategy<Value = (f32, f32, f32, f32)> {
    let polar = (0.05..20.0_f32, 0.0..std::f32::consts::TAU, -500.0..500.0_f32, -500.0..500.0_f32);
    polar.prop_map(|(scale, angle, x, y)| (scale * angle.cos(), scale * angle.sin(), x, y))
}

proptest! {
    #[test]
    fn known_transforms_are_recovered_and_inverted(motion in any_motion()) {
        let to = moved(&CROP_LANDMARKS.0, motion);
        let found = Similarity::between(&CROP_LANDMARKS.0, &to).unwrap();
        prop_assert!((found.scale() / motion.0.hypot(motion.1) - 1.0).abs() < 1e-3);
        for (from, to) in CROP_LANDMARKS.0.iter().zip(&to) {
            let (there, back) = (found.apply(*from), found.inverse().apply(*to));
            prop_assert!((there.x - to.x).hypot(there.y - to.y) < 0.01);
            prop_assert!((back.x - from.x).hypot(back.y - from.y) < 0.01);
        }
    }

    /// Moving the found transform a little in any way fits worse: it is the least-squares one.
    #[test]
    fn no_neighbour_fits_better(noise in prop::array::uniform10(-4.0..4.0_f32), by in prop::array::uniform4(-0.05..0.05_f32)) {
        let from: [Point; 5] = std::array::from_fn(|i| {
            let p = CROP_LANDMARKS.0[i];
            Point { x: p.x + noise[2 * i], y: p.y + noise[2 * i + 1] }
        });
        let found = Similarity::between(&from, &CROP_LANDMARKS.0).unwrap();
        let fitted = from.map(|p| found.apply(p));
        let nearby = moved(&fitted, (1.0 + by[0], by[1], by[2], by[3]));
        let misfit = |points: &[Point; 5]| -> f64 {
            let square = |(p, q): (&Point, &Point)| f64::from(p.x - q.x).powi(2) + f64::from(p.y - q.y).powi(2);
            points.iter().zip(&CROP_LANDMARKS.0).map(square).sum()
        };
        prop_assert!(misfit(&fitted) <= misfit(&nearby) + 1e-3);
    }

    #[test]
    fn a_mirrored_face_is_not_mirrored_back(x in 100.0..200.0_f32) {
        let mirrored = CROP_LANDMARKS.0.map(|p| Point { x: x - p.x, y: p.y });
        if let Some(found) = Similarity::between(&mirrored, &CROP_LANDMARKS.0) {
            let corner = |x, y| found.apply(Point { x, y });
            let (o, right, down) = (corner(0.0, 0.0), corner(9.0, 0.0), corner(0.0, 9.0));
            let turn = (right.x - o.x) * (down.y - o.y) - (right.y - o.y) * (down.x - o.x);
            prop_assert!(turn >= 0.0, "keeps left and right");
        }
    }

    #[test]
    fn any_points_on_any_picture_align_or_are_refused(frame in any_picture(), points in any_landmarks()) {
        let _ = align(&frame, &points, &mut AlignedFace::new());
    }

    #[test]
    fn any_transform_warps_without_a_panic(frame in any_picture(), from in any_landmarks(), to in any_landmarks(), w in 0..20_u32) {
        if let Some(found) = Similarity::between(&from.0, &to.0) {
            let mut target = RgbImage::new(w, 7);
            warp(&frame, &found, &mut target);
            warp(&RgbImage::default(), &found, &mut target);
            prop_assert!(target.data().iter().all(|&v| v == 0), "an empty picture is black everywhere");
        }
    }
}
