//! Draws what happened into the frames, and all steps into one contact sheet.

use std::path::{Path, PathBuf};

use mfn_access::{Decision, Status};
use mfn_gallery::Gallery;
use mfn_vision::{RgbImage, draw, photo};

use super::script::Step;
use super::world::Shown;
use crate::exit::{Exit, Failure, OrExit};
use crate::report;

/// Columns of the contact sheet, and the width of a picture on it in pixels.
const SHEET: (usize, u32) = (3, 400);

/// The frame with boxes, points, name and decision drawn in.
pub fn draw_step(step: &Step, shown: &Shown, gallery: &dyn Gallery, threshold: f32) -> RgbImage {
    let mut picture = shown.picture.clone();
    let colour = colour_of(shown);
    for face in &shown.faces {
        draw::outline(&mut picture, &face.detection.face, colour, 3);
        draw::points(&mut picture, &face.detection.landmarks, draw::AMBER);
    }
    if let Some(face) = shown.faces.first() {
        draw::label(&mut picture, &face.detection.face, &name_line(shown, gallery, threshold), colour);
    }
    let door = if shown.line_on { "door line: on (released)" } else { "door line: off (closed)" };
    draw::banner(&mut picture, &[step.title, &decision_line(shown), door], colour);
    picture
}

/// Writes one step's picture; gives its path.
pub fn save(picture: &RgbImage, out: &Path, number: usize, title: &str) -> Result<PathBuf, Failure> {
    let path = out.join(format!("{number}-{}.png", title.replace(' ', "-")));
    photo::save_png(picture, &path).or_exit(Exit::Failure)?;
    Ok(path)
}

/// Writes all pictures as one.
pub fn save_sheet(pictures: &[(RgbImage, String)], out: &Path) -> Result<PathBuf, Failure> {
    let cells: Vec<_> = pictures.iter().map(|(picture, caption)| (picture, caption.as_str())).collect();
    let path = out.join("contact-sheet.png");
    photo::save_png(&draw::contact_sheet(&cells, SHEET.0, SHEET.1), &path).or_exit(Exit::Failure)?;
    Ok(path)
}

fn colour_of(shown: &Shown) -> draw::Colour {
    match (&shown.decision, shown.status) {
        (Some(Decision::Grant { .. }), _) | (None, Status::HoldOff { .. }) => draw::GREEN,
        (Some(Decision::Deny { .. }), _) | (None, Status::Denied(_)) => draw::RED,
        (None, Status::Voting { .. }) => draw::AMBER,
        _ => draw::GREY,
    }
}

fn name_line(shown: &Shown, gallery: &dyn Gallery, threshold: f32) -> String {
    match shown.best() {
        Some(best) if best.similarity >= threshold => {
            format!("{} {:.2}", report::name_of(gallery, best.person), best.similarity)
        }
        Some(best) => format!("unknown {:.2}", best.similarity),
        None => "not compared".to_owned(),
    }
}

/// What was decided, in words.
pub fn decision_line(shown: &Shown) -> String {
    match (&shown.decision, shown.status) {
        (Some(Decision::Grant { similarity, votes, .. }), _) => {
            format!("grant: {votes} votes, similarity {similarity:.2}")
        }
        (Some(Decision::Deny { reason }), _) => format!("deny: {reason}"),
        (None, Status::Voting { have, need }) => format!("voting: {have} of {need}"),
        (None, _) => "no decision".to_owned(),
    }
}
