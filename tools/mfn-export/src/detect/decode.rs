//! From raw outputs of the training graph to faces. Shares no code with the device, whose reading it checks.

use super::arch::{LEVELS, OUTPUTS, STRIDES};
use super::targets::Grid;
use mfn_vision::{Detection, Landmarks, Point, Rect};

/// The faces of one picture of a batch of at least this score, best first, after suppression at an overlap of
/// `iou`; the points of those that overlap by more than `blend` are averaged.
pub fn faces(
    outputs: &[f32],
    grid: &Grid,
    picture: usize,
    score: f32,
    [iou, blend]: [f32; 2],
) -> Vec<Detection> {
    let mut found = Vec::new();
    for (level, stride) in STRIDES.iter().enumerate().take(LEVELS) {
        let (columns, rows) = grid.size(level);
        let first = grid.first(level, picture);
        for cell in 0..columns * rows {
            let row = &outputs[(first + cell) * OUTPUTS..(first + cell + 1) * OUTPUTS];
            let own = (sigmoid(row[0]) * sigmoid(row[1])).sqrt();
            if own >= score {
                let at = [(cell % columns) as f32, (cell / columns) as f32];
                found.push(face(row, at, *stride as f32, own));
            }
        }
    }
    found.sort_by(|a: &Detection, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for (i, candidate) in found.iter().enumerate() {
        if kept.iter().all(|better| better.face.iou(&candidate.face) <= iou) {
            let others = found[i + 1..].iter().filter(|other| candidate.face.iou(&other.face) > blend);
            let same: Vec<_> = std::iter::once(candidate).chain(others).collect();
            kept.push(Detection { landmarks: mean(&same), ..*candidate });
        }
    }
    kept
}

/// The points of the same face, weighted by score.
fn mean(faces: &[&Detection]) -> Landmarks {
    let total: f32 = faces.iter().map(|face| face.score).sum();
    let of = |value: &dyn Fn(&Landmarks) -> f32| {
        faces.iter().map(|face| face.score * value(&face.landmarks)).sum::<f32>() / total
    };
    Landmarks(std::array::from_fn(|i| Point {
        x: of(&|points| points.0[i].x),
        y: of(&|points| points.0[i].y),
    }))
}

fn face(row: &[f32], at: [f32; 2], stride: f32, score: f32) -> Detection {
    let (x, y) = ((at[0] + row[2]) * stride, (at[1] + row[3]) * stride);
    let (w, h) = (row[4].exp() * stride, row[5].exp() * stride);
    let point =
        |i: usize| Point { x: (at[0] + row[6 + 2 * i]) * stride, y: (at[1] + row[7 + 2 * i]) * stride };
    let face = Rect { x: x - w / 2.0, y: y - h / 2.0, w, h };
    Detection { score, face, landmarks: Landmarks(std::array::from_fn(point)) }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Targets;
    use crate::detect::targets::Labels;

    /// Outputs that say exactly what the targets want are read as the labels.
    #[test]
    fn targets_are_read_back_as_the_labels() {
        let grid = Grid { batch: 2, width: 128, height: 96 };
        let label = |x: f32, y: f32, side: f32| Detection {
            score: 1.0,
            face: Rect { x, y, w: side, h: 1.2 * side },
            landmarks: Landmarks(std::array::from_fn(|i| Point { x: x + i as f32, y: y + 2.0 * i as f32 })),
        };
        let labels = [vec![], vec![label(10.0, 20.0, 20.0), label(60.0, 5.0, 50.0)]]
            .map(|faces| Labels { faces, doubtful: vec![] });
        let targets = Targets::assign(&grid, &labels);
        let mut outputs = vec![-9.0; grid.cells() * OUTPUTS];
        for (i, cell) in targets.positives.iter().enumerate() {
            let row = &mut outputs[cell * OUTPUTS..(cell + 1) * OUTPUTS];
            row[..2].fill(9.0);
            let [x, y, w, h] = targets.boxes[i];
            row[2..6].copy_from_slice(&[x, y, w.ln(), h.ln()]);
            row[6..].copy_from_slice(&targets.points[i]);
        }
        assert!(faces(&outputs, &grid, 0, 0.5, [0.3, 1.0]).is_empty());
        let mut found = faces(&outputs, &grid, 1, 0.5, [0.3, 1.0]);
        found.sort_by(|a, b| a.face.x.total_cmp(&b.face.x));
        assert_eq!(found.len(), 2);
        for (found, label) in found.iter().zip(&labels[1].faces) {
            assert!(found.face.iou(&label.face) > 0.999, "{found:?}");
            for (a, b) in found.landmarks.0.iter().zip(label.landmarks.0) {
                assert!((a.x - b.x).hypot(a.y - b.y) < 1e-3, "{found:?}");
            }
        }
    }
}
