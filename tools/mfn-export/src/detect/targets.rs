//! Which cells a face belongs to, and what they should say.
//!
//! Centre sampling as in FCOS (Tian et al. 2019): the cells around a face's centre on the level of its size.

use super::arch::{LEVELS, STRIDES};
use mfn_vision::{Detection, Rect};

/// Sides of the faces that each level answers for, in pixels; neighbours overlap so that no size is nobody's.
const SIZES: [[f32; 2]; LEVELS] = [[0.0, 48.0], [36.0, 104.0], [80.0, f32::INFINITY]];
/// A cell belongs to a face when it is no further from its centre than this share of its side ...
const REACH: f32 = 0.4;
/// ... and this many strides; at least one cell always does.
const FARTHEST: f32 = 1.5;
const NEAREST: f32 = 0.51;

/// Sizes of a batch's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Pictures.
    pub batch: usize,
    /// Pixels, a multiple of 32.
    pub width: usize,
    /// Pixels, a multiple of 32.
    pub height: usize,
}

impl Grid {
    /// Columns and rows of a level.
    pub fn size(&self, level: usize) -> (usize, usize) {
        (self.width / STRIDES[level], self.height / STRIDES[level])
    }

    /// Cells of a level in one picture.
    fn level(&self, level: usize) -> usize {
        self.size(level).0 * self.size(level).1
    }

    /// Number of the first cell of a picture on a level.
    pub fn first(&self, level: usize, picture: usize) -> usize {
        self.batch * (0..level).map(|l| self.level(l)).sum::<usize>() + picture * self.level(level)
    }

    /// Cells of all levels and pictures.
    pub fn cells(&self) -> usize {
        self.batch * (0..LEVELS).map(|l| self.level(l)).sum::<usize>()
    }
}

/// What the cells of a batch should say.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// 1 where a face belongs to the cell, else 0.
    pub face: Vec<f32>,
    /// 0 where neither face nor background is right, else 1.
    pub counts: Vec<f32>,
    /// Numbers of the cells with a face.
    pub positives: Vec<usize>,
    /// For each of them: box centre from the cell and size, in strides.
    pub boxes: Vec<[f32; 4]>,
    /// For each of them: the five points from the cell, in strides.
    pub points: Vec<[f32; 10]>,
    /// For each of them: the geometric mean of the box's sides in strides, by which errors of points are measured.
    pub sizes: Vec<f32>,
}

/// The labels of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// Faces.
    pub faces: Vec<Detection>,
    /// Parts of the picture that are neither face nor background.
    pub doubtful: Vec<Rect>,
}

/// A cell's best claim so far: the face's number and area.
type Claim = Option<(usize, f32)>;

impl Targets {
    /// The targets of a batch of pictures.
    pub fn assign(grid: &Grid, pictures: &[Labels]) -> Self {
        let cells = grid.cells();
        let mut targets = Self {
            face: vec![0.0; cells],
            counts: vec![1.0; cells],
            positives: Vec::new(),
            boxes: Vec::new(),
            points: Vec::new(),
            sizes: Vec::new(),
        };
        for (picture, labels) in pictures.iter().enumerate() {
            for level in 0..LEVELS {
                targets.assign_level(grid, picture, level, labels);
            }
        }
        targets
    }

    fn assign_level(&mut self, grid: &Grid, picture: usize, level: usize, labels: &Labels) {
        let ((columns, rows), stride) = (grid.size(level), STRIDES[level] as f32);
        let first = grid.first(level, picture);
        for region in &labels.doubtful {
            for cell in cells_within(region, columns, rows, stride) {
                self.counts[first + cell] = 0.0;
            }
        }
        let mut claims: Vec<Claim> = vec![None; columns * rows];
        for (number, face) in labels.faces.iter().enumerate() {
            let area = face.face.area();
            if !(SIZES[level][0]..SIZES[level][1]).contains(&area.sqrt()) {
                continue;
            }
            for cell in cells_within(&core(&face.face, stride), columns, rows, stride) {
                if claims[cell].is_none_or(|(_, other)| area < other) {
                    claims[cell] = Some((number, area));
                }
            }
        }
        for (cell, claim) in claims.into_iter().enumerate() {
            if let Some((number, _)) = claim {
                let at = [(cell % columns) as f32, (cell / columns) as f32];
                self.push(first + cell, at, stride, &labels.faces[number]);
            }
        }
    }

    fn push(&mut self, cell: usize, at: [f32; 2], stride: f32, face: &Detection) {
        let Rect { x, y, w, h } = face.face;
        (self.face[cell], self.counts[cell]) = (1.0, 1.0);
        self.positives.push(cell);
        let (cx, cy) = ((x + w / 2.0) / stride - at[0], (y + h / 2.0) / stride - at[1]);
        self.boxes.push([cx, cy, w / stride, h / stride]);
        self.points.push(std::array::from_fn(|i| {
            let point = face.landmarks.0[i / 2];
            if i % 2 == 0 { point.x / stride - at[0] } else { point.y / stride - at[1] }
        }));
        self.sizes.push((w * h).sqrt() / stride);
    }
}

/// The part of the box in which cells belong to the face.
fn core(face: &Rect, stride: f32) -> Rect {
    let reach = |side: f32| (REACH * side).clamp(NEAREST * stride, FARTHEST * stride);
    let (w, h) = (reach(face.w), reach(face.h));
    let (x, y) = (face.x + face.w / 2.0, face.y + face.h / 2.0);
    Rect { x: x - w, y: y - h, w: 2.0 * w, h: 2.0 * h }
}

/// The cells whose middle lies in the box.
fn cells_within(region: &Rect, columns: usize, rows: usize, stride: f32) -> Vec<usize> {
    let range = |from: f32, len: f32, limit: usize| {
        let low = (from / stride - 0.5).ceil().max(0.0) as usize;
        let high = (((from + len) / stride - 0.5).floor() + 1.0).clamp(0.0, limit as f32) as usize;
        low..high
    };
    let across = range(region.x, region.w, columns);
    range(region.y, region.h, rows).flat_map(|y| across.clone().map(move |x| y * columns + x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::{Landmarks, Point};

    const GRID: Grid = Grid { batch: 2, width: 64, height: 96 };

    fn face(x: f32, y: f32, w: f32, h: f32) -> Detection {
        let landmarks = Landmarks([Point { x: x + 1.0, y: y + 2.0 }; 5]);
        Detection { score: 0.9, face: Rect { x, y, w, h }, landmarks }
    }

    #[test]
    fn cells_are_counted_level_by_level() {
        // 8x12 + 4x6 + 2x3 cells a picture.
        assert_eq!(GRID.cells(), 2 * (96 + 24 + 6));
        assert_eq!(GRID.first(1, 1), 2 * 96 + 24);
        assert_eq!(GRID.first(2, 0), 2 * 96 + 2 * 24);
    }

    #[test]
    fn a_small_face_has_the_cells_around_its_centre() {
        // A face of 16 pixels with its centre at (28, 44): cells of stride 8 with middles within 6.4 pixels are
        // column 2 (20) no, column 3 (28) yes, column 4 (36) no; row 4 (36) no, row 5 (44) yes, row 6 (52) no.
        let labels =
            [Labels::default(), Labels { faces: vec![face(20.0, 36.0, 16.0, 16.0)], doubtful: vec![] }];
        let targets = Targets::assign(&GRID, &labels);
        assert_eq!(targets.positives, [96 + 5 * 8 + 3]);
        // Centre at 3.5 and 5.5 strides; 2 strides wide.
        assert_eq!(targets.boxes, [[0.5, 0.5, 2.0, 2.0]]);
        assert_eq!(&targets.points[0][..2], [21.0 / 8.0 - 3.0, 38.0 / 8.0 - 5.0]);
        assert_eq!(targets.sizes, [2.0]);
        assert_eq!(targets.face.iter().sum::<f32>(), 1.0);
        assert!(targets.counts.iter().all(|c| *c == 1.0));
    }

    #[test]
    fn every_face_has_a_cell() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..500 {
            let size = 8.0 + 60.0 * rng.f32();
            let (x, y) = (rng.f32() * (64.0 - size).max(0.0), rng.f32() * (96.0 - size).max(0.0));
            let labels = [Labels { faces: vec![face(x, y, size, size)], doubtful: vec![] }];
            let targets = Targets::assign(&Grid { batch: 1, ..GRID }, &labels);
            assert!(!targets.positives.is_empty(), "{x} {y} {size}");
        }
    }

    #[test]
    fn the_smaller_of_two_faces_has_the_cell_and_doubt_does_not_hide_it() {
        let labels = [Labels {
            faces: vec![face(16.0, 32.0, 24.0, 24.0), face(20.0, 36.0, 16.0, 16.0)],
            doubtful: vec![Rect { x: 0.0, y: 0.0, w: 64.0, h: 96.0 }],
        }];
        let grid = Grid { batch: 1, ..GRID };
        let targets = Targets::assign(&grid, &labels);
        let middle = targets.positives.iter().position(|c| *c == 5 * 8 + 3).unwrap();
        assert_eq!(targets.sizes[middle], 2.0);
        for (cell, counts) in targets.counts.iter().enumerate() {
            assert_eq!(*counts == 1.0, targets.positives.contains(&cell), "cell {cell}");
        }
    }
}
