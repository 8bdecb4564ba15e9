//! Time a stage on one 640x480 frame: `cargo bench -p mfn-vision`.

use criterion::{Criterion, criterion_group, criterion_main};
use mfn_vision::photo::{PhotoLimits, load, save_jpeg};
use mfn_vision::{
    AlignedFace, CROP_LANDMARKS, Frame, Landmarks, PixelFormat, Point, RgbImage, align, fit, resize, to_rgb,
};
use std::hint::black_box;
use std::path::Path;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// A portrait, stretched to a camera's frame.
fn scene() -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/president-1-320x256.png");
    let mut scene = RgbImage::new(WIDTH, HEIGHT);
    resize(&load(&path, &PhotoLimits::default()).expect("committed"), &mut scene);
    scene
}

fn jpeg_of(scene: &RgbImage) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("mfn-vision-bench-{}.jpg", std::process::id()));
    save_jpeg(scene, &path).expect("a writable temporary folder");
    let bytes = std::fs::read(&path).expect("just written");
    let _ = std::fs::remove_file(&path);
    bytes
}

fn convert(c: &mut Criterion) {
    let scene = scene();
    let mut rgb = RgbImage::default();
    for (format, bytes_a_pixel) in [
        (PixelFormat::Rgb, 3.0),
        (PixelFormat::Yuyv, 2.0),
        (PixelFormat::Nv12, 1.5),
        (PixelFormat::Grey, 1.0),
        (PixelFormat::Mjpeg, 0.0),
    ] {
        let data = match format {
            PixelFormat::Mjpeg => jpeg_of(&scene),
            _ => scene.data()[..(bytes_a_pixel * (WIDTH * HEIGHT) as f64) as usize].to_vec(),
        };
        let stride = (bytes_a_pixel as u32).max(1) * WIDTH;
        let frame = Frame { format, width: WIDTH, height: HEIGHT, stride, data, ..Frame::empty() };
        c.bench_function(&format!("convert/{format:?}"), |b| {
            b.iter(|| to_rgb(black_box(&frame), &mut rgb).expect("a good frame"));
        });
    }
}

fn detector_input(c: &mut Criterion) {
    let scene = scene();
    for (width, height) in [(320, 256), (640, 480), (256, 192)] {
        let mut input = RgbImage::new(width, height);
        c.bench_function(&format!("fit/{width}x{height}"), |b| {
            b.iter(|| fit(black_box(&scene), &mut input));
        });
    }
}

fn crop(c: &mut Criterion) {
    let scene = scene();
    let mut face = AlignedFace::new();
    for (name, scale) in [("plain", 0.8), ("halved", 0.3)] {
        let centred = |p: Point| Point { x: (p.x - 56.0) / scale + 320.0, y: (p.y - 56.0) / scale + 240.0 };
        let points = Landmarks(CROP_LANDMARKS.0.map(centred));
        c.bench_function(&format!("align/{name}"), |b| {
            b.iter(|| align(black_box(&scene), black_box(&points), &mut face).expect("a face"));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(2));
    targets = convert, detector_input, crop
}
criterion_main!(benches);
