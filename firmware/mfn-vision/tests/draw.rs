//! Drawing: what is drawn is there, and nothing that can be asked for panics.

mod common;

use common::{any_coordinate, any_landmarks, any_picture};
use mfn_vision::draw::{AMBER, Colour, GREEN, RED, banner, contact_sheet, label, outline, points};
use mfn_vision::{Landmarks, Point, Rect, RgbImage};
use proptest::prelude::*;

fn pixel(image: &RgbImage, x: u32, y: u32) -> [u8; 3] {
    image.row(y)[3 * x as usize..][..3].try_into().unwrap()
}

const WHITE: [u8; 3] = [255, 255, 255];

#[test]
fn an_outline_is_as_thick_as_asked_and_hollow() {
    let mut image = RgbImage::new(60, 40);
    outline(&mut image, &Rect { x: 10.0, y: 10.0, w: 30.0, h: 20.0 }, Colour::new(255, 255, 255), 2);
    for (x, y) in [(10, 10), (25, 10), (39, 29), (10, 20), (9, 9)] {
        assert_eq!(pixel(&image, x, y), WHITE, "on the edge at {x}, {y}");
    }
    for (x, y) in [(12, 12), (25, 20), (7, 7), (45, 20)] {
        assert_eq!(pixel(&image, x, y), [0; 3], "off the edge at {x}, {y}");
    }
}

#[test]
fn points_are_marked_where_they_are() {
    let mut image = RgbImage::new(100, 100);
    let places = [(20, 30), (60, 30), (40, 50), (25, 70), (55, 70)];
    points(&mut image, &Landmarks(places.map(|(x, y)| Point { x: x as f32, y: y as f32 })), RED);
    for (x, y) in places {
        assert_eq!(pixel(&image, x, y), [220, 50, 47]);
        assert_eq!(pixel(&image, x + 3, y), [0; 3]);
    }
}

#[test]
fn a_label_stays_in_the_picture() {
    for (x, y) in [(0.0, 0.0), (150.0, 5.0), (-40.0, 90.0), (150.0, 99.0), (1e9, 1e9)] {
        let mut image = RgbImage::new(160, 100);
        label(&mut image, &Rect { x, y, w: 30.0, h: 30.0 }, "Grace H 0.71", AMBER);
        let background = image.data().chunks(3).filter(|p| *p == [240, 170, 30]).count();
        let ink = image.data().chunks(3).filter(|p| *p == [0, 0, 0]).count();
        assert!(background > 12 * 6 * 10 / 2 && ink < 160 * 100, "whole at {x}, {y}: {background}");
    }
}

#[test]
fn a_banner_covers_the_bottom_only() {
    let mut image = RgbImage::from_raw(320, 240, vec![255; 3 * 320 * 240]).unwrap();
    banner(&mut image, &["granted", "similarity 0.71, threshold 0.45"], GREEN);
    assert_eq!(pixel(&image, 0, 239), [40, 190, 80]);
    assert_ne!(pixel(&image, 319, 239), WHITE);
    assert_eq!(pixel(&image, 0, 190), WHITE);
    let mut narrow = RgbImage::from_raw(160, 240, vec![255; 3 * 160 * 240]).unwrap();
    banner(&mut narrow, &["a line that is too long for this picture and is wrapped"], GREEN);
    assert_eq!(pixel(&narrow, 0, 240 - 3 * 12), [40, 190, 80], "three lines of 12 pixels");
    assert_eq!(pixel(&narrow, 0, 240 - 3 * 12 - 10), WHITE);
}

#[test]
fn a_contact_sheet_holds_every_picture() {
    let [red, green] = [RED, GREEN].map(|colour| {
        let mut image = RgbImage::new(64, 48);
        outline(&mut image, &Rect { x: 0.0, y: 0.0, w: 64.0, h: 48.0 }, colour, 64);
        image
    });
    let sheet =
        contact_sheet(&[(&red, "first"), (&green, "second"), (&red, "third, on a line of its own")], 2, 100);
    assert_eq!(sheet.width(), 10 + 2 * 110);
    assert_eq!(pixel(&sheet, 60, 45), [220, 50, 47]);
    assert_eq!(pixel(&sheet, 170, 45), [40, 190, 80]);
    assert!(sheet.data().chunks(3).filter(|p| *p == [220, 50, 47]).count() >= 2 * 100 * 75);
}

fn any_rect() -> impl Strategy<Value = Rect> {
    prop::array::uniform4(any_coordinate()).prop_map(|[x, y, w, h]| Rect { x, y, w, h })
}

proptest! {
    #[test]
    fn anything_can_be_drawn_anywhere(
        image in any_picture(), area in any_rect(), marks in any_landmarks(), text in ".{0,40}", thickness in any::<u32>(),
    ) {
        let mut image = image;
        let size = image.data().len();
        outline(&mut image, &area, RED, thickness);
        points(&mut image, &marks, GREEN);
        label(&mut image, &area, &text, AMBER);
        banner(&mut image, &[&text, "", &text], GREEN);
        prop_assert_eq!(image.data().len(), size);
    }

    #[test]
    fn any_sheet_is_made(image in any_picture(), text in "(.|\n){0,60}", n in 0..7_usize, columns in 0..9_usize, width in 0..120_u32) {
        let empty = RgbImage::default();
        let mut all = vec![(&image, text.as_str()); n];
        all.push((&empty, ""));
        let sheet = contact_sheet(&all, columns, width);
        prop_assert!(sheet.width() > width && sheet.height() > 0);
    }

    #[test]
    fn overlap_is_symmetric_and_between_0_and_1(a in any_box(), b in any_box(), s in 0.1..9.0_f32) {
        let overlap = a.iou(&b);
        prop_assert!((0.0..=1.0001).contains(&overlap));
        prop_assert_eq!(overlap, b.iou(&a));
        prop_assert!((a.iou(&a) - 1.0).abs() < 1e-3);
        prop_assert!((a.scaled(s, s).iou(&b.scaled(s, s)) - overlap).abs() < 1e-3);
        let apart = Rect { x: a.x + a.w + 1.0, ..a };
        prop_assert_eq!(a.iou(&apart), 0.0);
    }
}

fn any_box() -> impl Strategy<Value = Rect> {
    (-99.0..99.0_f32, -99.0..99.0_f32, 1.0..99.0_f32, 1.0..99.0_f32).prop_map(|(x, y, w, h)| Rect {
        x,
        y,
        w,
        h,
    })
}
