//! Overlapping parts of a frame, for a second look at larger scale: that is how small faces are found.

use mfn_vision::{Detection, Point, RgbImage};

/// How much larger than in the whole frame faces appear in a part. Under 2, so that parts overlap and every
/// face too small for the first look lies wholly in one of them.
const CLOSER: f32 = 1.8;

/// A part of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tile {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// The corners of the frame, each as large as `input` shows at 1.8 times the scale of the whole frame.
/// None in an empty frame.
pub(crate) fn tiles(frame: (u32, u32), input: (u32, u32)) -> Vec<Tile> {
    if frame.0 == 0 || frame.1 == 0 {
        return Vec::new();
    }
    let scale = (input.0 as f32 / frame.0 as f32).min(input.1 as f32 / frame.1 as f32);
    let side = |input: u32, frame: u32| ((input as f32 / (CLOSER * scale)).ceil() as u32).min(frame);
    let (width, height) = (side(input.0, frame.0), side(input.1, frame.1));
    let mut tiles = Vec::new();
    for y in starts(frame.1, height) {
        for x in starts(frame.0, width) {
            tiles.push(Tile { x, y, width, height });
        }
    }
    tiles
}

/// Where parts begin along one axis: at the start, and so as to reach the end.
fn starts(frame: u32, part: u32) -> impl Iterator<Item = u32> {
    [0, frame - part].into_iter().take(if frame > part { 2 } else { 1 })
}

impl Tile {
    /// Copies this part of the frame.
    pub(crate) fn cut(&self, frame: &RgbImage, into: &mut RgbImage) {
        into.reshape(self.width, self.height);
        let row = 3 * self.width as usize;
        for (y, line) in (self.y..).zip(into.data_mut().chunks_exact_mut(row)) {
            line.copy_from_slice(&frame.row(y)[3 * self.x as usize..][..row]);
        }
    }

    /// Moves the faces from `first` on into the frame, and drops those that a cut edge goes through: they are
    /// whole in another part or in the frame itself.
    pub(crate) fn keep_whole(&self, frame: (u32, u32), found: &mut Vec<Detection>, first: usize) {
        let mut index = first;
        while index < found.len() {
            if self.is_whole(frame, &found[index]) {
                self.shift(&mut found[index]);
                index += 1;
            } else {
                found.swap_remove(index);
            }
        }
    }

    fn is_whole(&self, frame: (u32, u32), face: &Detection) -> bool {
        let box_ = &face.face;
        (self.x == 0 || box_.x > 0.0)
            && (self.y == 0 || box_.y > 0.0)
            && (self.x + self.width == frame.0 || box_.x + box_.w < self.width as f32)
            && (self.y + self.height == frame.1 || box_.y + box_.h < self.height as f32)
    }

    fn shift(&self, face: &mut Detection) {
        let (x, y) = (self.x as f32, self.y as f32);
        (face.face.x, face.face.y) = (face.face.x + x, face.face.y + y);
        face.landmarks.0 = face.landmarks.0.map(|p| Point { x: p.x + x, y: p.y + y });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_vision::Rect;
    use proptest::prelude::*;

    #[test]
    fn a_camera_frame_has_four_parts() {
        let tiles = tiles((640, 480), (320, 256));
        assert_eq!(tiles.len(), 4);
        assert_eq!(tiles[3], Tile { x: 284, y: 195, width: 356, height: 285 });
    }

    #[test]
    fn a_face_on_a_cut_edge_is_dropped_and_others_are_moved() {
        let tile = Tile { x: 284, y: 0, width: 356, height: 285 };
        let face = |x, y| Detection { face: Rect { x, y, w: 20.0, h: 20.0 }, ..Detection::default() };
        let mut found =
            vec![face(1.0, 1.0), face(-5.0, 50.0), face(50.0, -5.0), face(50.0, 270.0), face(346.0, 50.0)];
        tile.keep_whole((640, 480), &mut found, 1);
        let corners: Vec<_> = found.iter().map(|f| (f.face.x, f.face.y)).collect();
        // Left and lower edges are cut; the upper and the right one are the frame's own.
        assert_eq!(corners, [(1.0, 1.0), (630.0, 50.0), (334.0, -5.0)]);
    }

    proptest! {
        #[test]
        fn parts_lie_in_the_frame_and_cover_it(w in 1u32..3000, h in 1u32..3000, iw in 1u32..20, ih in 1u32..20) {
            let tiles = tiles((w, h), (iw * 32, ih * 32));
            prop_assert!((1..=4).contains(&tiles.len()));
            for tile in &tiles {
                prop_assert!(tile.x + tile.width <= w && tile.y + tile.height <= h);
                prop_assert!(2 * tile.width >= w && 2 * tile.height >= h);
            }
        }
    }
}
