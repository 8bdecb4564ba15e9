//! The world in front of the camera: portraits that walk up, as folders of JPEG frames.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mfn_vision::{Point, RgbImage, Similarity, photo, warp};

/// The folder of portraits.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// One portrait's path as text, for a command line.
#[must_use]
pub fn fixture(name: &str) -> String {
    fixtures().join(name).display().to_string()
}

/// Writes `count` frames of 640x480 into `folder`: the portraits side by side, nearer from frame to frame.
/// No two frames are equal.
pub fn walk_up(folder: &Path, portraits: &[&str], count: usize) {
    fs::create_dir_all(folder).expect("a folder for frames");
    let pictures: Vec<RgbImage> = portraits
        .iter()
        .map(|name| photo::load(&fixtures().join(name), &photo::PhotoLimits::default()).expect("a portrait"))
        .collect();
    for i in 0..count {
        let frame = frame(&pictures, i as f32 / count as f32, i as f32);
        photo::save_jpeg(&frame, &folder.join(format!("{i:05}.jpg"))).expect("frames can be written");
    }
}

/// All portraits beside one another, `near` of the way to the door, swaying with `phase`.
fn frame(pictures: &[RgbImage], near: f32, phase: f32) -> RgbImage {
    let mut frame = RgbImage::new(640, 480);
    let share = 640.0 / pictures.len() as f32;
    for (i, picture) in pictures.iter().enumerate() {
        let scale =
            (0.8 + 0.2 * near) * (480.0 / picture.height() as f32).min(share / picture.width() as f32);
        let left = i as f32 * share + (share - scale * picture.width() as f32) / 2.0 + 4.0 * phase.sin();
        paste(picture, scale, left, 6.0 + 3.0 * phase.cos(), &mut frame);
    }
    frame
}

/// Draws a scaled picture with its corner at (`left`, `top`).
fn paste(picture: &RgbImage, scale: f32, left: f32, top: f32, frame: &mut RgbImage) {
    let corners =
        [(0.0, 0.0), (100.0, 0.0), (0.0, 100.0), (100.0, 100.0), (50.0, 50.0)].map(|(x, y)| Point { x, y });
    let moved = corners.map(|p| Point { x: scale * p.x + left, y: scale * p.y + top });
    let place = Similarity::between(&corners, &moved).expect("five points that differ");
    let mut layer = RgbImage::new(frame.width(), frame.height());
    warp(picture, &place, &mut layer);
    for (to, from) in frame.data_mut().iter_mut().zip(layer.data()) {
        *to = (*to).max(*from);
    }
}
