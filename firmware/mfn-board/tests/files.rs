//! Photographs, folders and videos as cameras, through the public interface and real files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mfn_board::{CameraError, CameraOptions, CameraSource, Captured, Pace, open_camera};
use mfn_vision::{Frame, PixelFormat, RgbImage, photo, to_rgb};

fn fastest() -> CameraOptions {
    CameraOptions { pace: Pace::Fastest, ..CameraOptions::new(Instant::now()) }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// All frames of a source, as fast as possible.
fn frames(source: &CameraSource) -> Vec<Frame> {
    let mut camera = open_camera(source, &fastest()).unwrap();
    let mut frames = Vec::new();
    let mut frame = Frame::empty();
    while camera.capture(&mut frame).unwrap() == Captured::Picture {
        frames.push(frame.clone());
    }
    assert_eq!(camera.capture(&mut frame).unwrap(), Captured::End, "the end stays the end");
    frames
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> CameraSource {
    fs::write(folder.join(name), bytes).unwrap();
    CameraSource::Video(folder.join(name))
}

/// A Y4M file of these header words with one picture of counting bytes.
fn y4m(words: &str, bytes: usize) -> Vec<u8> {
    let mut file = format!("YUV4MPEG2 {words}\nFRAME\n").into_bytes();
    file.extend((0..bytes).map(|i| i as u8));
    file
}

#[test]
fn videos_of_opencv_show_their_colours() {
    // The colours that data/generate.py painted; JPEG moves a flat colour by a few levels.
    let colours = [[200, 30, 40], [20, 180, 60], [50, 70, 220]];
    for name in ["pattern.avi", "pattern.mjpeg"] {
        let frames = frames(&CameraSource::Video(data(name)));
        assert_eq!(frames.len(), 3, "{name}");
        for (n, (frame, colour)) in frames.iter().zip(colours).enumerate() {
            assert_eq!((frame.format, frame.width, frame.height), (PixelFormat::Mjpeg, 32, 32));
            assert_eq!(frame.sequence, n as u64);
            let mut picture = RgbImage::default();
            to_rgb(frame, &mut picture).unwrap();
            for pixel in picture.data().chunks(3) {
                assert!(pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 4), "{name} {n}: {pixel:?}");
            }
        }
    }
}

#[test]
fn y4m_planes_become_camera_formats() {
    let folder = tempfile::tempdir().unwrap();
    // 4x2 pixels; bytes count from 0: Y 0-7, then Cb, then Cr.
    let cases: [(&str, usize, PixelFormat, u32, &[u8]); 5] = [
        ("W4 H2 F25:1 Cmono", 8, PixelFormat::Grey, 4, &[0, 1, 2, 3, 4, 5, 6, 7]),
        ("W4 H2 F25:1 Ip A1:1", 12, PixelFormat::Nv12, 4, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11]),
        ("W4 H2 C420mpeg2", 12, PixelFormat::Nv12, 4, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11]),
        (
            "W4 H2 F25:1 C422",
            16,
            PixelFormat::Yuyv,
            8,
            &[0, 8, 1, 12, 2, 9, 3, 13, 4, 10, 5, 14, 6, 11, 7, 15],
        ),
        // Chroma of two neighbours: (8 + 9) / 2 = 8, (16 + 17) / 2 = 16, ...
        (
            "W4 H2 F25:1 C444",
            24,
            PixelFormat::Yuyv,
            8,
            &[0, 8, 1, 16, 2, 10, 3, 18, 4, 12, 5, 20, 6, 14, 7, 22],
        ),
    ];
    for (words, bytes, format, stride, expected) in cases {
        let frames = frames(&write(folder.path(), "v.y4m", &y4m(words, bytes)));
        assert_eq!(frames.len(), 1, "{words}");
        let frame = &frames[0];
        assert_eq!(
            (frame.format, frame.width, frame.height, frame.stride),
            (format, 4, 2, stride),
            "{words}"
        );
        assert_eq!(frame.data, expected, "{words}");
    }
}

#[test]
fn an_odd_y4m_loses_its_last_column_and_row() {
    let folder = tempfile::tempdir().unwrap();
    // 5x3: Y 0-14, Cb of 3x2 15-20, Cr 21-26.
    let frames = frames(&write(folder.path(), "v.y4m", &y4m("W5 H3 C420jpeg", 27)));
    assert_eq!((frames[0].width, frames[0].height), (4, 2));
    assert_eq!(frames[0].data, [0, 1, 2, 3, 5, 6, 7, 8, 15, 21, 16, 22]);
}

#[test]
fn a_folder_is_shown_in_order_and_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for (name, grey) in [("b.png", 2), ("a.PNG", 1), (".hidden.png", 9), ("c.txt", 9)] {
        let picture = RgbImage::from_raw(3, 2, vec![grey; 18]).unwrap();
        photo::save_png(&picture, &folder.path().join(name)).unwrap();
    }
    let source = CameraSource::Folder(folder.path().into());
    let shown: Vec<u8> = frames(&source).iter().map(|frame| frame.data[0]).collect();
    assert_eq!(shown, [1, 2]);
    let mut camera = open_camera(&source, &CameraOptions { repeat: true, ..fastest() }).unwrap();
    let mut frame = Frame::empty();
    for n in 0..5 {
        assert_eq!(camera.capture(&mut frame).unwrap(), Captured::Picture);
        assert_eq!((u64::from(frame.data[0]), frame.sequence), (1 + n % 2, n));
        assert_eq!((frame.format, frame.width, frame.stride, frame.data.len()), (PixelFormat::Rgb, 3, 9, 18));
    }
}

#[test]
fn repeating_what_cannot_be_read_ends() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text.jpg"), "hello").unwrap();
    let options = CameraOptions { repeat: true, ..fastest() };
    let broken = write(folder.path(), "v.y4m", &y4m("W4 H2 Cmono", 5));
    for source in [CameraSource::Folder(folder.path().into()), broken] {
        let mut camera = open_camera(&source, &options).unwrap();
        let mut frame = Frame::empty();
        assert!(matches!(camera.capture(&mut frame), Err(CameraError::Media { .. })), "{source}");
        assert_eq!(camera.capture(&mut frame).unwrap(), Captured::End, "{source}");
    }
}

#[test]
fn pictures_keep_their_pace() {
    let options = CameraOptions { pace: Pace::Own, ..CameraOptions::new(Instant::now()) };
    let mut camera = open_camera(&CameraSource::Video(data("pattern.avi")), &options).unwrap();
    let mut frame = Frame::empty();
    let mut times = Vec::new();
    while camera.capture(&mut frame).unwrap() == Captured::Picture {
        times.push(frame.captured_at);
    }
    // 12 pictures a second, as OpenCV wrote it; not a photograph's one.
    let last = times[2] - times[0];
    assert!(last >= Duration::from_millis(160) && last < Duration::from_millis(1900), "{last:?}");
}

#[test]
fn files_that_are_no_video_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let avi = fs::read(data("pattern.avi")).unwrap();
    let mut h264 = avi.clone();
    h264[0x70..0x74].copy_from_slice(b"H264");
    h264[0xbc..0xc0].copy_from_slice(b"H264");
    let cases: [(&[u8], &str); 9] = [
        (b"hello", "is no video"),
        (b"", "is no video"),
        (&h264, "without an MJPEG stream"),
        (&avi[..320], "without pictures"),
        (b"YUV4MPEG2 W4\nFRAME\n", "have no size"),
        (b"YUV4MPEG2 W99999 H4\nFRAME\n", "have no size"),
        (b"YUV4MPEG2 W4 H4 C420p10\nFRAME\n", "C420p10"),
        (b"YUV4MPEG2 W4 H4 It\nFRAME\n", "interlaced"),
        (b"YUV4MPEG2 W4 H4 XCOLORRANGE=FULL\nFRAME\n", "full range"),
    ];
    for (bytes, reason) in cases {
        let error = open_camera(&write(folder.path(), "v", bytes), &fastest()).err().unwrap().to_string();
        assert!(error.contains(reason) && error.contains(folder.path().to_str().unwrap()), "{error}");
    }
}

#[test]
fn sources_that_are_not_there_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let sources = [
        CameraSource::Photos(vec![missing.clone()]),
        CameraSource::Folder(missing.clone()),
        CameraSource::Video(missing.clone()),
        CameraSource::Video(folder.path().into()),
        CameraSource::Folder(folder.path().into()),
    ];
    for source in sources {
        let error = open_camera(&source, &fastest()).err().unwrap().to_string();
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    }
}
