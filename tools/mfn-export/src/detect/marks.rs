//! Marks that no single look decides: the mean of a detector's points over many looks at a face.
//!
//! A detector's points depend a little on where its cells happen to lie on a face, and labels that it made in one look
//! have that error in them. Looks at several sizes, plain and mirrored, even it out; how far the labels are off their
//! mean is what no other detector can be expected to fall below on them.

use super::examination::{Examination, Source, padded};
use super::measure::{Figures, Seen, measure, overlap};
use super::paste::{mirror, moved};
use anyhow::Result;
use mfn_engine::{Detector, DetectorOptions, Guard, ModelFolder};
use mfn_vision::{Detection, Landmarks, Point, RgbImage, resize};

/// What a frame's sides are multiplied by, look by look; at each of them one is mirrored.
const SCALES: [f32; 11] = [0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8];
/// Lowest score and lowest overlap with its label of a face whose points count.
const SCORE: f32 = 0.5;
const SAME: f32 = 0.5;

/// The points of a face, summed over the looks that saw it.
#[derive(Clone, Copy, Default)]
struct Sum {
    points: [[f32; 2]; 5],
    looks: usize,
}

/// One look at a frame.
struct Look {
    scale: [f32; 2],
    /// Width of the scaled frame where it is mirrored.
    mirrored: Option<f32>,
}

impl Examination {
    /// The examination with the means of `by`'s points in the place of the labels', and how far the labels are off
    /// them, as if a detector had found them. A face that less than half of the looks see is doubtful.
    ///
    /// # Errors
    /// When the engine refuses the folder or fails.
    pub fn marked(mut self, by: &ModelFolder, guard: &Guard) -> Result<(Self, Figures)> {
        let mut seen = Vec::new();
        for source in &mut self.sources {
            let sums = source.looks(by, guard)?;
            for ((_, frame), sums) in source.frames.iter_mut().zip(sums) {
                let mut labels = frame.faces.clone();
                labels.retain(|label| label.score >= self.doubtful);
                labels.sort_by(|a, b| b.score.total_cmp(&a.score));
                frame.faces.iter_mut().zip(sums).for_each(|(face, sum)| sum.mark(face));
                seen.push(Seen { labels: frame.faces.clone(), found: labels, empty: frame.empty });
            }
        }
        let figures = measure(&seen, self.doubtful);
        Ok((self, figures))
    }
}

impl Source {
    /// For each frame and label the points of all looks.
    fn looks(&self, by: &ModelFolder, guard: &Guard) -> Result<Vec<Vec<Sum>>> {
        let mut sums: Vec<Vec<Sum>> =
            self.frames.iter().map(|(_, frame)| vec![Sum::default(); frame.faces.len()]).collect();
        let mut found = Vec::new();
        for scale in SCALES {
            let side = ((self.side as f32 * scale).ceil() as u32).next_multiple_of(32);
            let options = DetectorOptions { width: side, height: side, score: SCORE, ..Default::default() };
            let mut detector = Detector::load(by, options, guard)?;
            for ((picture, frame), sums) in self.frames.iter().zip(&mut sums) {
                for mirrored in [false, true] {
                    let (view, look) = Look::at(picture, scale, mirrored);
                    detector.detect(&padded(&view, side), &mut found)?;
                    let seen: Vec<Detection> =
                        found.iter().map(|face| moved(face, mirrored, |p| look.point(p))).collect();
                    sums.iter_mut().zip(&frame.faces).for_each(|(sum, label)| sum.add(label, &seen));
                }
            }
        }
        Ok(sums)
    }
}

impl Look {
    fn at(picture: &RgbImage, factor: f32, mirrored: bool) -> (RgbImage, Self) {
        let side = |n: u32| ((n as f32 * factor).round() as u32).max(1);
        let mut view = RgbImage::new(side(picture.width()), side(picture.height()));
        resize(picture, &mut view);
        if mirrored {
            mirror(&mut view);
        }
        let (width, height) = (view.width() as f32, view.height() as f32);
        let scale = [width / picture.width() as f32, height / picture.height() as f32];
        (view, Self { scale, mirrored: mirrored.then_some(width) })
    }

    /// From pixels of the view to those of the frame; positions count from pixel centres.
    fn point(&self, Point { x, y }: Point) -> Point {
        let x = self.mirrored.map_or(x, |width| width - 1.0 - x);
        Point { x: (x + 0.5) / self.scale[0] - 0.5, y: (y + 0.5) / self.scale[1] - 0.5 }
    }
}

impl Sum {
    fn add(&mut self, label: &Detection, seen: &[Detection]) {
        let best = seen.iter().max_by(|a, b| overlap(a, label).total_cmp(&overlap(b, label)));
        if let Some(face) = best.filter(|face| overlap(face, label) >= SAME) {
            for (sum, point) in self.points.iter_mut().zip(face.landmarks.0) {
                *sum = [sum[0] + point.x, sum[1] + point.y];
            }
            self.looks += 1;
        }
    }

    fn mark(self, face: &mut Detection) {
        let looks = self.looks as f32;
        if self.looks >= SCALES.len() {
            face.landmarks = Landmarks(self.points.map(|[x, y]| Point { x: x / looks, y: y / looks }));
        } else {
            face.score = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::Rect;

    #[test]
    fn looks_lead_back_to_the_frame() {
        let mut rng = fastrand::Rng::with_seed(1);
        let picture = RgbImage::new(101, 67);
        for scale in SCALES {
            for mirrored in [false, true] {
                let (view, look) = Look::at(&picture, scale, mirrored);
                assert_eq!(view.width(), (101.0 * scale).round() as u32);
                let x = rng.f32() * 100.0;
                let there = (x + 0.5) * look.scale[0] - 0.5;
                let there = if mirrored { view.width() as f32 - 1.0 - there } else { there };
                let back = look.point(Point { x: there, y: (7.0 + 0.5) * look.scale[1] - 0.5 });
                assert!((back.x - x).abs() < 1e-3 && (back.y - 7.0).abs() < 1e-3, "{back:?} for {x}");
            }
        }
    }

    #[test]
    fn a_face_is_marked_by_the_mean_of_at_least_half_of_the_looks() {
        let points = |x: f32| Landmarks([Point { x, y: 1.0 }; 5]);
        let face = |x| Detection {
            score: 0.9,
            face: Rect { x: 0.0, y: 0.0, w: 20.0, h: 20.0 },
            landmarks: points(x),
        };
        let elsewhere = Detection { face: Rect { x: 15.0, y: 0.0, w: 20.0, h: 20.0 }, ..face(99.0) };
        let marked = |looks: usize| {
            let (mut sum, mut label) = (Sum::default(), face(0.0));
            (0..looks).for_each(|i| sum.add(&label, &[elsewhere, face((i % 2) as f32)]));
            sum.add(&label, &[elsewhere]);
            sum.mark(&mut label);
            label
        };
        assert_eq!(marked(22).landmarks, points(0.5));
        assert_eq!((marked(10).landmarks, marked(10).score), (points(0.0), 0.0));
    }
}
