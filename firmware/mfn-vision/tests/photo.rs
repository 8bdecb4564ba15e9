//! Photographs: told apart by content, turned upright, refused in one clear line when broken.

mod common;

use common::{data, difference, fixture, picture};
use mfn_vision::RgbImage;
use mfn_vision::photo::{PhotoCause, PhotoLimits, load, save_jpeg, save_png};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn written(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn refused(path: &Path, limits: &PhotoLimits) -> PhotoCause {
    let error = load(path, limits).expect_err("refused");
    let line = error.to_string();
    assert!(line.starts_with(&path.display().to_string()) && !line.contains('\n'), "{line}");
    error.cause
}

/// 48x32 pixels: green, with a red square at the top left.
fn corner_marked() -> RgbImage {
    let mut bytes = [0, 255, 0].repeat(48 * 32);
    for y in 0..16 {
        bytes[3 * 48 * y..][..48].copy_from_slice(&[255, 0, 0].repeat(16));
    }
    RgbImage::from_raw(48, 32, bytes).unwrap()
}

fn webp_of(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    encoder.encode(image.data(), image.width(), image.height(), image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A JPEG file with an EXIF block of one entry, the orientation (TIFF tag 274).
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn the_three_formats_are_told_apart_by_content() {
    let dir = TempDir::new().unwrap();
    let image = corner_marked();
    let webp = written(&dir, "webp.txt", &webp_of(&image));
    let (png, jpeg) = (dir.path().join("png.jpg"), dir.path().join("jpeg.png"));
    save_png(&image, &png).unwrap();
    save_jpeg(&image, &jpeg).unwrap();
    assert_eq!(picture(&png), image);
    assert_eq!(picture(&webp), image);
    assert!(difference(picture(&jpeg).data(), image.data()).0 < 3.0);
}

#[test]
fn exif_orientation_turns_the_picture_upright() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("plain.jpg");
    save_jpeg(&corner_marked(), &path).unwrap();
    let plain = fs::read(&path).unwrap();
    // EXIF 2.3, tag 274: which corner of the upright picture the first stored pixel is in.
    for (orientation, right, bottom) in
        [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 0, 1), (5, 0, 0), (6, 1, 0), (7, 1, 1), (8, 0, 1), (9, 0, 0)]
    {
        let upright = picture(&written(&dir, "turned.jpg", &with_orientation(&plain, orientation)));
        let wide = !(5..=8).contains(&orientation);
        let size = if wide { (48, 32) } else { (32, 48) };
        assert_eq!((upright.width(), upright.height()), size, "orientation {orientation}");
        let (x, y) = (right * (upright.width() - 1), bottom * (upright.height() - 1));
        let pixel = &upright.row(y)[3 * x as usize..][..3];
        assert!(pixel[0] > 200 && pixel[1] < 60, "orientation {orientation}: {pixel:?} in its corner");
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let dir = TempDir::new().unwrap();
    let limits = PhotoLimits::default();
    let text = written(&dir, "notes.jpg", b"This is a text file, whatever its name says.\n");
    assert!(matches!(refused(&text, &limits), PhotoCause::UnknownFormat));
    let line = load(&text, &limits).unwrap_err().to_string();
    assert!(line.ends_with("is not a JPEG, PNG or WebP picture; convert it to one of these"), "{line}");
    assert!(matches!(refused(&written(&dir, "empty.png", b""), &limits), PhotoCause::UnknownFormat));
    assert!(matches!(refused(dir.path(), &limits), PhotoCause::NotAFile));
    assert!(matches!(refused(Path::new("/dev/zero"), &limits), PhotoCause::NotAFile));
    assert!(matches!(refused(&dir.path().join("missing.jpg"), &limits), PhotoCause::Read(_)));
}

#[test]
fn limits_hold_before_decoding() {
    let dir = TempDir::new().unwrap();
    let photo = fixture("president-1.jpg");
    let tight = |change: fn(&mut PhotoLimits)| {
        let mut limits = PhotoLimits::default();
        change(&mut limits);
        limits
    };
    let cause = refused(&photo, &tight(|l| l.file_bytes = 1000));
    assert!(matches!(cause, PhotoCause::TooManyBytes { limit: 1000, .. }));
    let cause = refused(&photo, &tight(|l| l.side = 899));
    assert!(matches!(cause, PhotoCause::TooManyPixels { width: 720, height: 900, .. }));
    let cause = refused(&photo, &tight(|l| l.pixels = 720 * 900 - 1));
    assert!(matches!(cause, PhotoCause::TooManyPixels { .. }));
    assert!(load(&photo, &tight(|l| (l.pixels, l.side) = (720 * 900, 900))).is_ok());
    // Few bytes that announce 10 gigabytes of pixels.
    let mut jpeg = fs::read(&photo).unwrap();
    let sof = jpeg.windows(2).position(|m| m == [0xff, 0xc0]).unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0xff; 4]);
    let cause = refused(&written(&dir, "bomb.jpg", &jpeg), &PhotoLimits::default());
    assert!(matches!(cause, PhotoCause::TooManyPixels { width: 65535, height: 65535, .. }), "{cause:?}");
}

#[test]
fn a_picture_cut_short_is_broken() {
    let dir = TempDir::new().unwrap();
    let webp = webp_of(&picture(&data("sizes.png")));
    for whole in [fs::read(fixture("astronaut-1.jpg")).unwrap(), fs::read(data("sizes.png")).unwrap(), webp] {
        for tenth in 1..10 {
            let cut = written(&dir, "cut", &whole[..whole.len() * tenth / 10]);
            let cause = refused(&cut, &PhotoLimits::default());
            assert!(matches!(cause, PhotoCause::Broken { .. }), "{tenth}/10: {cause:?}");
        }
    }
}

#[test]
fn saving_replaces_whole_files_and_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("out.png");
    save_png(&RgbImage::new(3, 2), &path).unwrap();
    save_png(&corner_marked(), &path).unwrap();
    assert_eq!(picture(&path), corner_marked());
    let names = || fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(), ["out.png"]);
    let occupied = dir.path().join("folder");
    fs::create_dir(&occupied).unwrap();
    for nowhere in [dir.path().join("no/such/folder.png"), occupied, PathBuf::from("/")] {
        let error = save_jpeg(&corner_marked(), &nowhere).unwrap_err();
        assert!(matches!(error.cause, PhotoCause::Write(_)), "{error}");
    }
    assert!(save_png(&RgbImage::default(), &path).is_err(), "no pixels");
    assert_eq!(picture(&path), corner_marked(), "unchanged by the failure");
    assert_eq!(names().len(), 2, "no temporary file stays");
}

/// Halved colours and 70 rows, no multiple of 16: the last rows are as libjpeg-turbo decodes them, but for the
/// rounding of the colours' enlargement. `data/chroma-420.py` made the picture and the values.
#[test]
fn the_last_rows_of_halved_colours_are_right() {
    let expected: [(u32, [[u8; 3]; 3]); 6] = [
        (0, [[15, 14, 9], [149, 12, 226], [22, 15, 183]]),
        (31, [[214, 52, 3], [91, 52, 223], [215, 52, 177]]),
        (63, [[190, 55, 7], [63, 57, 219], [190, 56, 179]]),
        (64, [[198, 63, 7], [70, 65, 220], [197, 65, 177]]),
        (68, [[222, 92, 8], [94, 92, 228], [222, 93, 185]]),
        (69, [[224, 94, 6], [96, 94, 229], [223, 94, 184]]),
    ];
    let picture = picture(&data("chroma-420.jpg"));
    for (row, pixels) in expected {
        for (column, wanted) in [0, 45, 89].into_iter().zip(pixels) {
            let at = (row as usize * 90 + column) * 3;
            let found = &picture.data()[at..at + 3];
            let near = wanted.iter().zip(found).all(|(w, f)| w.abs_diff(*f) <= 5);
            assert!(near, "row {row}, column {column}: {found:?}, not {wanted:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn damaged_pictures_never_panic(which in 0..2_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let dir = TempDir::new().unwrap();
        let mut bytes = fs::read(data(["cut.jpg", "cut-yuyv.png"][which])).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let limits = PhotoLimits { pixels: 1_000_000, ..PhotoLimits::default() };
        let _ = load(&written(&dir, "damaged", &bytes), &limits);
    }
}
