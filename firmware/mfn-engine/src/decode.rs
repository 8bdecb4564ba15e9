//! From the detector's raw outputs to detections: decoding and non-maximum suppression, pure functions.
//!
//! The outputs are those of YuNet (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023):
//! anchor-free, one cell for each `stride` pixels.

use mfn_vision::{Detection, Landmarks, Point, Rect};

/// Distances between cells in pixels of the network's input, in the order of the outputs.
pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// The outputs at one stride, row by row of `columns` cells.
pub(crate) struct Cells<'a> {
    pub stride: usize,
    pub columns: usize,
    /// Is it a face, 0 to 1: one value a cell.
    pub cls: &'a [f32],
    /// Does the box fit, 0 to 1: one value a cell.
    pub obj: &'a [f32],
    /// Centre offset x, y and logarithm of width, height, in strides: four values a cell.
    pub bbox: &'a [f32],
    /// Five points x, y in strides from the cell: ten values a cell.
    pub kps: &'a [f32],
}

/// Adds the faces of at least `threshold` in pixels of the network's input. Values that are not finite are no
/// face.
pub(crate) fn decode(cells: &Cells, threshold: f32, found: &mut Vec<Detection>) {
    let boxes = cells.bbox.as_chunks::<4>().0;
    let points = cells.kps.as_chunks::<10>().0;
    for (index, (&cls, &obj)) in cells.cls.iter().zip(cells.obj).enumerate() {
        let score = (cls.clamp(0.0, 1.0) * obj.clamp(0.0, 1.0)).sqrt();
        if score >= threshold {
            let cell = Point { x: (index % cells.columns) as f32, y: (index / cells.columns) as f32 };
            let face = face_box(cell, &boxes[index], cells.stride as f32);
            let landmarks = face_points(cell, &points[index], cells.stride as f32);
            if is_finite(&face, &landmarks) {
                found.push(Detection { score, face, landmarks });
            }
        }
    }
}

fn face_box(cell: Point, d: &[f32; 4], stride: f32) -> Rect {
    let (w, h) = (d[2].exp() * stride, d[3].exp() * stride);
    Rect { x: (cell.x + d[0]) * stride - w / 2.0, y: (cell.y + d[1]) * stride - h / 2.0, w, h }
}

fn face_points(cell: Point, d: &[f32; 10], stride: f32) -> Landmarks {
    Landmarks(std::array::from_fn(|i| Point {
        x: (cell.x + d[2 * i]) * stride,
        y: (cell.y + d[2 * i + 1]) * stride,
    }))
}

fn is_finite(face: &Rect, landmarks: &Landmarks) -> bool {
    [face.x, face.y, face.w, face.h].iter().all(|v| v.is_finite())
        && landmarks.0.iter().all(|p| p.x.is_finite() && p.y.is_finite())
}

/// Sorts by score, best first, and drops every face that overlaps a better one by more than `iou`; the others get
/// [`mean_points`] of what they overlap by more than `blend`.
pub(crate) fn suppress(found: &mut Vec<Detection>, iou: f32, blend: f32) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = 0;
    for index in 0..found.len() {
        let best = found[index];
        if found[..kept].iter().all(|better| better.face.iou(&best.face) <= iou) {
            let landmarks = mean_points(&best, &found[index + 1..], blend);
            found[kept] = Detection { landmarks, ..best };
            kept += 1;
        }
    }
    found.truncate(kept);
}

/// Faces that overlap a better one by more than `blend` are the same face seen by neighbouring cells, whose errors
/// differ: the mean of their points, weighted by score, is nearer to the truth than the best cell's (Bazarevsky et al.,
/// "BlazeFace", 2019, section 3.4). The best one's box stays, since boxes are what scores are about.
fn mean_points(best: &Detection, others: &[Detection], blend: f32) -> Landmarks {
    let (mut scores, mut points) = (best.score, best.landmarks.0);
    for face in others.iter().filter(|other| best.face.iou(&other.face) > blend) {
        scores += face.score;
        let share = face.score / scores;
        for (mean, point) in points.iter_mut().zip(&face.landmarks.0) {
            *mean = Point { x: mean.x + share * (point.x - mean.x), y: mean.y + share * (point.y - mean.y) };
        }
    }
    Landmarks(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_cell_worked_out_by_hand() {
        let zeros = [0.0; 60];
        let mut kps = zeros;
        kps[50..60].copy_from_slice(&[0.5, -0.5, 1.0, 0.0, 0.0, 0.25, -1.0, 1.0, 2.0, 1.0]);
        let mut bbox = [0.0; 24];
        bbox[20..24].copy_from_slice(&[0.5, 0.25, 2f32.ln(), 3f32.ln()]);
        let (cls, obj) = ([0.1, 0.0, 0.0, 0.0, 0.0, 0.9], [0.1, 0.0, 0.0, 0.0, 0.0, 0.4]);
        let cells = Cells { stride: 16, columns: 3, cls: &cls, obj: &obj, bbox: &bbox, kps: &kps };
        let mut found = Vec::new();
        decode(&cells, 0.5, &mut found);
        // Cell 5 of 3 columns is column 2, row 1; its centre lies at (2.5, 1.25) strides.
        let [face] = found.as_slice() else { panic!("{found:?}") };
        assert!((face.score - 0.6).abs() < 1e-6);
        assert!((face.face.x - (40.0 - 16.0)).abs() < 1e-4 && (face.face.w - 32.0).abs() < 1e-4);
        assert!((face.face.y - (20.0 - 24.0)).abs() < 1e-4 && (face.face.h - 48.0).abs() < 1e-4);
        assert_eq!(face.landmarks.0[0], Point { x: 40.0, y: 8.0 });
        assert_eq!(face.landmarks.0[4], Point { x: 64.0, y: 32.0 });
    }

    #[test]
    fn values_that_are_not_finite_are_no_face() {
        let (one, kps) = ([1.0], [0.0; 10]);
        for bbox in [[0.0, 0.0, f32::INFINITY, 0.0], [f32::NAN, 0.0, 0.0, 0.0], [0.0, 0.0, 1e9, 0.0]] {
            let cells = Cells { stride: 8, columns: 1, cls: &one, obj: &one, bbox: &bbox, kps: &kps };
            let mut found = Vec::new();
            decode(&cells, 0.5, &mut found);
            assert!(found.is_empty(), "{bbox:?}");
        }
        let cells = Cells { stride: 8, columns: 1, cls: &[f32::NAN], obj: &one, bbox: &[0.0; 4], kps: &kps };
        let mut found = Vec::new();
        decode(&cells, 0.5, &mut found);
        assert!(found.is_empty(), "a score of NaN is no face");
    }

    /// Of scores over 0, as options demand.
    fn faces() -> impl Strategy<Value = Vec<Detection>> {
        let face = (0.01f32..1.0, 0.0f32..100.0, 0.0f32..100.0, 1.0f32..60.0, 1.0f32..60.0).prop_map(
            |(score, x, y, w, h)| Detection {
                score,
                face: Rect { x, y, w, h },
                landmarks: Landmarks([Point { x: x + w * score, y }; 5]),
            },
        );
        prop::collection::vec(face, 0..40)
    }

    #[test]
    fn neighbours_are_averaged_by_score() {
        let face = |score: f32, x: f32, point: f32| Detection {
            score,
            face: Rect { x, y: 0.0, w: 40.0, h: 40.0 },
            landmarks: Landmarks([Point { x: point, y: 2.0 * point }; 5]),
        };
        // Overlaps with the best: 36 of 44 columns, then 24 of 56, then none.
        let before =
            [face(0.25, 4.0, 8.0), face(0.75, 0.0, 4.0), face(0.5, 16.0, 9.0), face(0.5, 200.0, 1.0)];
        let mut found = before.to_vec();
        suppress(&mut found, 0.3, 0.6);
        let [first, second] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.score, first.face), (0.75, before[1].face));
        assert_eq!(first.landmarks.0, [Point { x: 5.0, y: 10.0 }; 5]);
        assert_eq!(*second, before[3]);
    }

    proptest! {
        #[test]
        fn suppression_keeps_the_best_of_each_heap(before in faces(), iou in 0.1f32..0.9) {
            let mut after = before.clone();
            suppress(&mut after, iou, 1.0);
            for (i, a) in after.iter().enumerate() {
                prop_assert!(before.contains(a));
                for b in &after[i + 1..] {
                    prop_assert!(a.score >= b.score && a.face.iou(&b.face) <= iou);
                }
            }
            for dropped in before.iter().filter(|d| !after.contains(d)) {
                let covered = |kept: &Detection| kept.score >= dropped.score && kept.face.iou(&dropped.face) > iou;
                prop_assert!(after.iter().any(covered));
            }
            let mut again = after.clone();
            suppress(&mut again, iou, 1.0);
            prop_assert_eq!(again, after);
        }

        #[test]
        fn a_mean_lies_among_the_points_of_its_faces(before in faces(), blend in 0.3f32..0.9) {
            let (mut plain, mut blended) = (before.clone(), before.clone());
            suppress(&mut plain, 0.3, 1.0);
            suppress(&mut blended, 0.3, blend);
            prop_assert_eq!(plain.len(), blended.len());
            for (best, mean) in plain.iter().zip(&blended) {
                prop_assert_eq!((best.score, best.face), (mean.score, mean.face));
                let near = before.iter().filter(|d| d.face == best.face || best.face.iou(&d.face) > blend);
                let (x, xs) = (mean.landmarks.0[2].x, || near.clone().map(|d| d.landmarks.0[2].x));
                prop_assert!(xs().any(|near| near <= x + 1e-3) && xs().any(|near| near >= x - 1e-3));
            }
        }
    }
}
