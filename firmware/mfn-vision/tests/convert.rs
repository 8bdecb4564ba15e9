//! Conversion against OpenCV 5, strides, and frames that lie about themselves.

mod common;

use common::{data, difference, picture};
use mfn_vision::{Frame, FrameError, PixelFormat, RgbImage, to_rgb};
use proptest::prelude::*;

fn frame(format: PixelFormat, width: u32, height: u32, stride: u32, data: Vec<u8>) -> Frame {
    Frame { format, width, height, stride, data, ..Frame::empty() }
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

fn converted(frame: &Frame) -> RgbImage {
    let mut rgb = RgbImage::default();
    to_rgb(frame, &mut rgb).unwrap();
    assert_eq!((rgb.width(), rgb.height()), (frame.width, frame.height));
    rgb
}

/// The same rows, further apart, with other bytes between.
fn spread(bytes: &[u8], row: usize, stride: usize) -> Vec<u8> {
    let mut spread: Vec<u8> = bytes.chunks(row).flat_map(|r| [r, &vec![77; stride - row]].concat()).collect();
    spread.truncate(spread.len() - (stride - row));
    spread
}

#[test]
fn colours_are_those_of_opencv() {
    for (file, format, stride, wanted) in [
        ("cut.yuyv", PixelFormat::Yuyv, 128, "cut-yuyv.png"),
        ("cut.nv12", PixelFormat::Nv12, 64, "cut-nv12.png"),
        ("cut.jpg", PixelFormat::Mjpeg, 0, "cut-jpg.png"),
    ] {
        let rgb = converted(&frame(format, 64, 48, stride, read(file)));
        let (mean, most) = difference(rgb.data(), picture(&data(wanted)).data());
        println!("{file}: mean {mean:.4}, greatest {most}");
        // JPEG decoders may differ by a few levels where they interpolate chroma.
        let limit = if format == PixelFormat::Mjpeg { (0.6, 6) } else { (0.2, 1) };
        assert!(mean < limit.0 && most <= limit.1, "{file}: mean {mean}, greatest {most}");
    }
}

#[test]
fn rgb_and_grey_are_copied() {
    let bytes: Vec<u8> = (0..60).collect();
    assert_eq!(converted(&frame(PixelFormat::Rgb, 5, 4, 15, bytes.clone())).data(), &bytes);
    let grey = converted(&frame(PixelFormat::Grey, 5, 12, 5, bytes.clone()));
    assert!(grey.data().chunks(3).zip(&bytes).all(|(pixel, &level)| pixel == [level; 3]));
}

#[test]
fn strides_change_nothing_and_the_last_padding_may_be_missing() {
    for (file, format, row) in [("cut.yuyv", PixelFormat::Yuyv, 128), ("cut.nv12", PixelFormat::Nv12, 64)] {
        let packed = frame(format, 64, 48, row, read(file));
        let bytes = spread(&packed.data, row as usize, 160);
        assert_eq!(converted(&packed), converted(&frame(format, 64, 48, 160, bytes)));
    }
    for (format, row) in [(PixelFormat::Rgb, 15), (PixelFormat::Grey, 5)] {
        let packed = frame(format, 5, 4, row, (0..4 * row as u8).collect());
        let bytes = spread(&packed.data, row as usize, 17);
        assert_eq!(converted(&packed), converted(&frame(format, 5, 4, 17, bytes)));
    }
}

#[test]
fn a_width_that_is_no_multiple_of_the_block_is_converted_to_its_end() {
    let white = [235, 128, 235, 128].repeat(35 * 2);
    let rgb = converted(&frame(PixelFormat::Yuyv, 70, 2, 140, white));
    assert!(rgb.data().iter().all(|&v| v == 255));
}

#[test]
fn frames_that_lie_are_refused() {
    let refused = |frame: Frame| to_rgb(&frame, &mut RgbImage::default()).unwrap_err();
    let grey = |w, h, stride, length| frame(PixelFormat::Grey, w, h, stride, vec![0; length]);
    assert_eq!(refused(grey(0, 4, 4, 16)), FrameError::Size { width: 0, height: 4 });
    assert_eq!(refused(grey(4, 9000, 4, 16)), FrameError::Size { width: 4, height: 9000 });
    assert_eq!(refused(grey(4, 4, 3, 16)), FrameError::Stride { stride: 3, row: 4 });
    assert_eq!(refused(grey(4, 4, 4, 15)), FrameError::Short { found: 15, needed: 16 });
    let odd = frame(PixelFormat::Nv12, 4, 3, 4, vec![0; 99]);
    assert!(matches!(refused(odd), FrameError::Odd { height: 3, .. }));
    let short = frame(PixelFormat::Nv12, 4, 4, 4, vec![0; 23]);
    assert_eq!(refused(short), FrameError::Short { found: 23, needed: 24 });
    let wrong = frame(PixelFormat::Mjpeg, 64, 47, 0, read("cut.jpg"));
    assert!(refused(wrong).to_string().contains("64x48"));
}

#[test]
fn a_jpeg_cut_anywhere_is_an_error() {
    let whole = read("cut.jpg");
    for length in 0..whole.len() - 1 {
        let cut = frame(PixelFormat::Mjpeg, 64, 48, 0, whole[..length].to_vec());
        assert!(to_rgb(&cut, &mut RgbImage::default()).is_err(), "cut at {length} of {}", whole.len());
    }
    let mut padded = whole.clone();
    padded.extend([0; 100]);
    assert_eq!(
        converted(&frame(PixelFormat::Mjpeg, 64, 48, 0, padded)),
        converted(&frame(PixelFormat::Mjpeg, 64, 48, 0, whole)),
    );
}

/// Many webcams leave out the Huffman tables; those of the standard's annex K are meant.
#[test]
fn mjpeg_without_huffman_tables_is_read_with_the_standard_ones() {
    let with = read("cut.jpg");
    let mut without = with[..2].to_vec();
    let mut at = 2;
    while with[at + 1] != 0xda {
        let length = 2 + usize::from(u16::from_be_bytes([with[at + 2], with[at + 3]]));
        if with[at + 1] != 0xc4 {
            without.extend_from_slice(&with[at..at + length]);
        }
        at += length;
    }
    without.extend_from_slice(&with[at..]);
    assert!(without.len() < with.len() - 400, "tables were there");
    assert_eq!(
        converted(&frame(PixelFormat::Mjpeg, 64, 48, 0, without)),
        converted(&frame(PixelFormat::Mjpeg, 64, 48, 0, with)),
    );
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    use PixelFormat::{Grey, Mjpeg, Nv12, Rgb, Yuyv};
    prop::sample::select(vec![Rgb, Yuyv, Nv12, Grey, Mjpeg])
}

fn any_size() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..70_u32, 1 => any::<u32>()]
}

proptest! {
    #[test]
    fn any_frame_converts_or_is_refused(
        format in any_format(), w in any_size(), h in any_size(), stride in any_size(),
        data in prop::collection::vec(any::<u8>(), 0..6000),
    ) {
        let mut rgb = RgbImage::default();
        if to_rgb(&frame(format, w, h, stride, data), &mut rgb).is_ok() {
            prop_assert_eq!((rgb.width(), rgb.height()), (w, h));
        }
    }

    #[test]
    fn a_damaged_jpeg_never_panics(at in prop::collection::vec((0..2031_usize, any::<u8>()), 1..6)) {
        let mut bytes = read("cut.jpg");
        for (at, byte) in at {
            bytes[at] = byte;
        }
        let _ = to_rgb(&frame(PixelFormat::Mjpeg, 64, 48, 0, bytes), &mut RgbImage::default());
    }
}
