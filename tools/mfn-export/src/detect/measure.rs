//! How many faces a detector finds, how often it finds one where there is none, and how far its points are off.

use crate::evaluate::Rate;
use mfn_engine::DetectorOptions;
use mfn_vision::{Detection, Point, Rect};
use serde::Serialize;

/// A face is found by a box of at least this intersection over union.
const FOUND: f32 = 0.5;
/// A detection on a face that does not count is not false when it overlaps it by this much: boxes of small and of
/// doubtful faces are uncertain.
const NEAR: f32 = 0.25;
/// Faces of a shorter side do not count, in pixels of the frame.
const SMALLEST: f32 = 16.0;
/// False detections a frame that the threshold may let through.
const FALSE_A_FRAME: f64 = 0.02;

/// One frame: what is known to be in it and what was found, best first.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Labels.
    pub labels: Vec<Detection>,
    /// Detections of any score.
    pub found: Vec<Detection>,
    /// Whether the frame is known to have no face.
    pub empty: bool,
}

/// The figures of a detector at one threshold.
#[derive(Clone, Debug, Serialize)]
pub struct At {
    /// Lowest score of a face.
    pub threshold: f32,
    /// Faces found, of those that count.
    pub recall: Rate,
    /// False detections in all frames.
    pub false_detections: usize,
    /// The same a frame.
    pub false_a_frame: f64,
    /// False detections in frames without any face.
    pub false_in_empty: usize,
    /// Mean distance of the five points from the labels', by the distance between the eyes, over the faces found.
    pub point_error: f64,
    /// Half of its 95 % interval.
    pub point_error_half: f64,
    /// The median of the faces' errors.
    pub point_error_median: f64,
}

/// The figures of a detector.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Frames looked at.
    pub frames: usize,
    /// Of them without a face.
    pub empty_frames: usize,
    /// At the threshold that lets at most 0.02 false detections a frame through.
    pub chosen: At,
    /// At the score from which the device takes a detection for a face unless it is told otherwise.
    pub device: At,
}

/// A face that was found.
struct Hit {
    score: f32,
    error: f64,
}

/// Scores of hits and of false detections.
#[derive(Default)]
struct Tally {
    faces: u64,
    hits: Vec<Hit>,
    /// Score, and whether the frame was empty.
    falses: Vec<(f32, bool)>,
}

/// Measures over frames. `doubtful` is the label score below which a label counts neither way.
pub fn measure(frames: &[Seen], doubtful: f32) -> Figures {
    let mut tally = Tally::default();
    frames.iter().for_each(|frame| tally.add(frame, doubtful));
    tally.falses.sort_by(|a, b| b.0.total_cmp(&a.0));
    let allowed = (FALSE_A_FRAME * frames.len() as f64) as usize;
    // Just above the first false detection that is too many.
    let threshold = tally.falses.get(allowed).map_or(0.0, |f| f.0.next_up());
    Figures {
        frames: frames.len(),
        empty_frames: frames.iter().filter(|f| f.empty).count(),
        chosen: tally.at(threshold, frames.len()),
        device: tally.at(DetectorOptions::default().score, frames.len()),
    }
}

impl Tally {
    /// Detections take labels in the order of their scores, so any threshold only cuts the list short.
    fn add(&mut self, frame: &Seen, doubtful: f32) {
        let counts = |l: &Detection| l.score >= doubtful && l.face.w.min(l.face.h) >= SMALLEST;
        let (sure, neutral): (Vec<&Detection>, Vec<&Detection>) =
            frame.labels.iter().partition(|l| counts(l));
        self.faces += sure.len() as u64;
        let mut taken = vec![false; sure.len()];
        for found in &frame.found {
            let free = (0..sure.len()).filter(|i| !taken[*i]);
            let best = free.max_by(|a, b| overlap(found, sure[*a]).total_cmp(&overlap(found, sure[*b])));
            match best.filter(|i| overlap(found, sure[*i]) >= FOUND) {
                Some(i) => {
                    taken[i] = true;
                    self.hits.push(Hit { score: found.score, error: point_error(found, sure[i]) });
                }
                None if neutral.iter().any(|n| overlap(found, n) >= NEAR || holds(&n.face, found)) => {}
                None => self.falses.push((found.score, frame.empty)),
            }
        }
    }

    fn at(&self, threshold: f32, frames: usize) -> At {
        let mut errors: Vec<f64> =
            self.hits.iter().filter(|h| h.score >= threshold).map(|h| h.error).collect();
        errors.sort_by(f64::total_cmp);
        let falses: Vec<bool> = self.falses.iter().filter(|f| f.0 >= threshold).map(|f| f.1).collect();
        let n = errors.len().max(1) as f64;
        let mean = errors.iter().sum::<f64>() / n;
        let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        At {
            threshold,
            recall: Rate { count: errors.len() as u64, trials: self.faces },
            false_detections: falses.len(),
            false_a_frame: falses.len() as f64 / frames.max(1) as f64,
            false_in_empty: falses.iter().filter(|empty| **empty).count(),
            point_error: mean,
            point_error_half: 1.96 * (variance / n).sqrt(),
            point_error_median: errors.get(errors.len() / 2).copied().unwrap_or_default(),
        }
    }
}

/// Intersection over union of two faces' boxes.
pub fn overlap(a: &Detection, b: &Detection) -> f32 {
    a.face.iou(&b.face)
}

/// Whether the middle of what was found lies in the box.
fn holds(label: &Rect, found: &Detection) -> bool {
    let (x, y) = (found.face.x + found.face.w / 2.0, found.face.y + found.face.h / 2.0);
    (label.x..label.x + label.w).contains(&x) && (label.y..label.y + label.h).contains(&y)
}

fn point_error(found: &Detection, label: &Detection) -> f64 {
    let distance = |a: &Point, b: &Point| f64::from((a.x - b.x).hypot(a.y - b.y));
    let (found, label) = (&found.landmarks.0, &label.landmarks.0);
    let sum: f64 = found.iter().zip(label).map(|(a, b)| distance(a, b)).sum();
    // In a profile the eyes may lie on one spot: a pixel keeps the ratio finite.
    sum / 5.0 / distance(&label[0], &label[1]).max(1.0)
}

impl Figures {
    /// A few lines for people.
    pub fn text(&self) -> String {
        let line = |at: &At| {
            format!(
                "  threshold {:.3}: found {}; false {:.4} a frame ({} in {} frames, {} in {} without a face); points off by {:.2} +- {:.2} % of the eyes' distance (median {:.2} %)\n",
                at.threshold,
                at.recall.text(),
                at.false_a_frame,
                at.false_detections,
                self.frames,
                at.false_in_empty,
                self.empty_frames,
                100.0 * at.point_error,
                100.0 * at.point_error_half,
                100.0 * at.point_error_median,
            )
        };
        line(&self.chosen) + &line(&self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::Landmarks;

    fn face(score: f32, x: f32, side: f32) -> Detection {
        let eyes = [Point { x, y: 0.0 }, Point { x: x + 10.0, y: 0.0 }];
        let landmarks = Landmarks([eyes[0], eyes[1], eyes[0], eyes[0], eyes[1]]);
        Detection { score, face: Rect { x, y: 0.0, w: side, h: side }, landmarks }
    }

    #[test]
    fn worked_out_by_hand() {
        let mut off = face(0.8, 100.0, 20.0);
        // One of five points is 5 pixels off where the eyes are 10 apart: an error of 0.1.
        off.landmarks.0[4].y += 5.0;
        let frames = [
            Seen {
                labels: vec![face(0.9, 0.0, 20.0), face(0.9, 100.0, 20.0), face(0.3, 200.0, 20.0)],
                // A hit, a second box on the same face (false), a hit, one on a doubtful face (nothing).
                found: vec![face(0.9, 0.0, 20.0), face(0.85, 2.0, 20.0), off, face(0.7, 201.0, 20.0)],
                empty: false,
            },
            Seen { labels: vec![face(0.9, 0.0, 12.0)], found: vec![face(0.7, 0.0, 12.0)], empty: false },
            Seen { labels: vec![], found: vec![face(0.75, 0.0, 30.0)], empty: true },
        ];
        let figures = measure(&frames, 0.6);
        assert_eq!((figures.frames, figures.empty_frames), (3, 1));
        // No false detection is allowed in three frames: the threshold lies just over 0.85, one of two is found.
        assert_eq!(figures.chosen.threshold, 0.85_f32.next_up());
        assert_eq!(figures.chosen.recall, Rate { count: 1, trials: 2 });
        assert_eq!((figures.chosen.false_detections, figures.chosen.point_error), (0, 0.0));
        assert_eq!(figures.device.recall, Rate { count: 2, trials: 2 });
        assert_eq!((figures.device.false_detections, figures.device.false_in_empty), (2, 1));
        assert!((figures.device.point_error - 0.05).abs() < 1e-6, "{figures:?}");
    }
}
