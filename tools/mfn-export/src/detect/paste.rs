//! A canvas on which frames are scaled, mirrored and cut, and their labels with them.

use super::frames::Frame;
use super::targets::Labels;
use crate::augment::{between, chance};
use crate::recipe::FrameAugment;
use fastrand::Rng;
use mfn_vision::{Detection, Landmarks, Point, Rect, RgbImage, resize};

/// A face of which less than this share is in view is doubtful; below the second share it is not one any more.
const WHOLE: f32 = 0.75;
const GONE: f32 = 0.15;
/// Largest and smallest factor by which a frame is scaled: beyond them there is nothing new to see.
const SCALES: [f32; 2] = [0.1, 1.8];
/// The same for frames without a face.
const EMPTY_SCALES: [f32; 2] = [0.4, 1.5];
/// Where in its part the face that decides on the scale may lie.
const MIDDLE: [f32; 2] = [0.15, 0.85];

/// A picture in the making.
pub struct Canvas {
    /// The pixels.
    pub picture: RgbImage,
    /// The faces in it.
    pub labels: Labels,
}

/// A part of the canvas in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

impl Part {
    /// All of it.
    pub fn whole(side: u32) -> Self {
        Self { x: 0, y: 0, w: side, h: side }
    }

    /// Four that meet in a point somewhere in the middle.
    pub fn quarters(side: u32, rng: &mut Rng) -> Vec<Self> {
        let mut cut = || (between(rng, 0.35, 0.65) * side as f32) as u32;
        let (x, y) = (cut(), cut());
        let one = |x, y, w, h| Self { x, y, w, h };
        vec![one(0, 0, x, y), one(x, 0, side - x, y), one(0, y, x, side - y), one(x, y, side - x, side - y)]
    }

    fn rect(self) -> Rect {
        Rect { x: self.x as f32 - 0.5, y: self.y as f32 - 0.5, w: self.w as f32, h: self.h as f32 }
    }
}

/// How a frame comes onto the canvas.
struct Placement {
    scale: [f32; 2],
    /// Width of the scaled frame where it is mirrored.
    mirrored: Option<f32>,
    shift: [f32; 2],
}

impl Canvas {
    /// A square of black, as beside a fitted frame, or of some grey.
    pub fn new(side: u32, rng: &mut Rng) -> Self {
        let mut picture = RgbImage::new(side, side);
        if chance(rng, 0.5) {
            picture.data_mut().fill(rng.u8(..));
        }
        Self { picture, labels: Labels::default() }
    }

    /// Puts a frame into a part of the canvas, scaled so that one of its faces has a size between `sizes`.
    pub fn paste(
        &mut self,
        part: Part,
        frame: &Frame,
        picture: &RgbImage,
        (how, sizes, doubtful): (&FrameAugment, [f32; 2], f32),
        rng: &mut Rng,
    ) {
        let sure: Vec<&Detection> = frame.faces.iter().filter(|f| f.score >= doubtful).collect();
        let chosen = (!sure.is_empty()).then(|| sure[rng.usize(..sure.len())]);
        let factor = match chosen {
            Some(face) => (evenly(sizes, rng) / face.face.area().sqrt()).clamp(SCALES[0], SCALES[1]),
            None => evenly(EMPTY_SCALES, rng),
        };
        let side = |n: u32| ((n as f32 * factor).round() as u32).max(1);
        let mut scaled = RgbImage::new(side(picture.width()), side(picture.height()));
        resize(picture, &mut scaled);
        let (width, height) = (scaled.width() as f32, scaled.height() as f32);
        let scale = [width / picture.width() as f32, height / picture.height() as f32];
        let mirrored = chance(rng, how.flip).then_some(width);
        if mirrored.is_some() {
            mirror(&mut scaled);
        }
        let mut place = Placement { scale, mirrored, shift: [0.0; 2] };
        let centre = chosen.map(|face| place.face(face).face).map(|r| (r.x + r.w / 2.0, r.y + r.h / 2.0));
        let x = shift(part.w, scaled.width(), centre.map(|c| c.0), rng);
        let y = shift(part.h, scaled.height(), centre.map(|c| c.1), rng);
        place.shift = [(part.x as i32 + x) as f32, (part.y as i32 + y) as f32];
        self.copy(part, &scaled, [x, y]);
        let bounds = Rect { x: place.shift[0] - 0.5, y: place.shift[1] - 0.5, w: width, h: height };
        self.label(part, &place, bounds, frame, (how.smallest_face, doubtful));
    }

    fn copy(&mut self, part: Part, scaled: &RgbImage, [x, y]: [i32; 2]) {
        let stride = 3 * self.picture.width() as usize;
        let within = |shift: i32, len: u32, room: u32| {
            (shift.max(0) as u32, ((shift + len as i32).max(0) as u32).min(room))
        };
        let ((left, right), (top, bottom)) =
            (within(x, scaled.width(), part.w), within(y, scaled.height(), part.h));
        for row in top..bottom {
            let from = scaled.row((row as i32 - y) as u32);
            let from = &from[3 * (left as i32 - x) as usize..][..3 * (right - left) as usize];
            let at = (part.y + row) as usize * stride + 3 * (part.x + left) as usize;
            self.picture.data_mut()[at..at + from.len()].copy_from_slice(from);
        }
    }

    /// Faces in view are labels; faces that are doubtful, cut or too small are neither face nor background.
    fn label(
        &mut self,
        part: Part,
        place: &Placement,
        bounds: Rect,
        frame: &Frame,
        (smallest, doubtful): (f32, f32),
    ) {
        for face in &frame.faces {
            let moved = place.face(face);
            let whole = common(&moved.face, &bounds);
            let seen = common(&whole, &part.rect());
            let share = seen.area() / whole.area().max(1e-6);
            let sure = face.score >= doubtful && moved.face.area().sqrt() >= smallest;
            if sure && share >= WHOLE {
                self.labels.faces.push(moved);
            } else if share >= GONE {
                self.labels.doubtful.push(seen);
            }
        }
    }
}

impl Placement {
    /// Positions count from pixel centres: pixel 0 of a picture at half its size lies at -0.25.
    fn point(&self, p: Point) -> Point {
        let [x, y] = [(p.x + 0.5) * self.scale[0] - 0.5, (p.y + 0.5) * self.scale[1] - 0.5];
        let x = self.mirrored.map_or(x, |width| width - 1.0 - x);
        Point { x: x + self.shift[0], y: y + self.shift[1] }
    }

    fn face(&self, face: &Detection) -> Detection {
        moved(face, self.mirrored.is_some(), |p| self.point(p))
    }
}

/// A face whose every position `to` leads elsewhere; left and right of a mirrored one change places.
pub fn moved(face: &Detection, mirrored: bool, to: impl Fn(Point) -> Point) -> Detection {
    let Rect { x, y, w, h } = face.face;
    let [a, b] = [Point { x, y }, Point { x: x + w, y: y + h }].map(&to);
    let mut points = face.landmarks.0.map(to);
    if mirrored {
        points.swap(0, 1);
        points.swap(3, 4);
    }
    let face_box = Rect { x: a.x.min(b.x), y: a.y, w: (b.x - a.x).abs(), h: b.y - a.y };
    Detection { face: face_box, landmarks: Landmarks(points), ..*face }
}

/// A draw that is even in the logarithm.
fn evenly([low, high]: [f32; 2], rng: &mut Rng) -> f32 {
    between(rng, low.ln(), high.ln()).exp()
}

/// Where a picture of this length begins in this room: anywhere inside, or cut so that `centre` is in view.
fn shift(room: u32, len: u32, centre: Option<f32>, rng: &mut Rng) -> i32 {
    let spare = room as i32 - len as i32;
    if spare >= 0 {
        return rng.i32(0..=spare);
    }
    match centre {
        Some(at) => ((between(rng, MIDDLE[0], MIDDLE[1]) * room as f32 - at) as i32).clamp(spare, 0),
        None => rng.i32(spare..=0),
    }
}

/// Left becomes right.
pub fn mirror(picture: &mut RgbImage) {
    let stride = 3 * picture.width() as usize;
    for row in picture.data_mut().chunks_exact_mut(stride) {
        row.as_chunks_mut::<3>().0.reverse();
    }
}

fn common(a: &Rect, b: &Rect) -> Rect {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (right, bottom) = ((a.x + a.w).min(b.x + b.w), (a.y + a.h).min(b.y + b.h));
    Rect { x, y, w: (right - x).max(0.0), h: (bottom - y).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> (Frame, RgbImage) {
        // White eyes and mouth corners and a red nose on a black ground, where the labels say.
        let points = [[50, 40], [70, 40], [60, 52], [52, 62], [68, 62]];
        let mut picture = RgbImage::new(120, 100);
        for (i, [x, y]) in points.into_iter().enumerate() {
            for (dx, dy) in (0..5).flat_map(|dx| (0..5).map(move |dy| (dx, dy))) {
                let at = 3 * ((y + dy - 2) * 120 + x + dx - 2);
                let colour = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255]][i];
                picture.data_mut()[at..at + 3].copy_from_slice(&colour);
            }
        }
        let landmarks = Landmarks(points.map(|[x, y]| Point { x: x as f32, y: y as f32 }));
        let face = Rect { x: 40.0, y: 25.0, w: 40.0, h: 50.0 };
        (Frame::unread(vec![Detection { score: 0.9, face, landmarks }]), picture)
    }

    #[test]
    fn labels_stay_on_the_faces() {
        let (frame, picture) = frame();
        let how = FrameAugment { flip: 0.5, ..FrameAugment::default() };
        let mut rng = Rng::with_seed(5);
        let mut mirrored = 0;
        for _ in 0..60 {
            let mut canvas = Canvas { picture: RgbImage::new(256, 256), labels: Labels::default() };
            canvas.paste(Part::whole(256), &frame, &picture, (&how, [40.0, 80.0], 0.6), &mut rng);
            for face in &canvas.labels.faces {
                let colour = |i: usize| {
                    let Point { x, y } = face.landmarks.0[i];
                    let at = 3 * (y.round() as usize * 256 + x.round() as usize);
                    let pixel = &canvas.picture.data()[at..at + 3];
                    [pixel[0] > 128, pixel[1] > 128, pixel[2] > 128]
                };
                assert_eq!(colour(2), [false, false, true], "the nose");
                let left = colour(0);
                assert!(
                    face.landmarks.0[0].x < face.landmarks.0[1].x
                        && face.landmarks.0[3].x < face.landmarks.0[4].x
                );
                mirrored += usize::from(left == [false, true, false]);
                assert!(left == [true, false, false] || left == [false, true, false], "{left:?}");
                let side = face.face.area().sqrt();
                assert!((39.0..82.0).contains(&side), "{side}");
            }
        }
        assert!((10..50).contains(&mirrored), "{mirrored} of 60 mirrored");
    }

    #[test]
    fn a_cut_face_is_doubtful_and_what_is_gone_is_nothing() {
        let (frame, _) = frame();
        let place = |x: f32| Placement { scale: [1.0; 2], mirrored: None, shift: [x, 0.0] };
        let label = |x: f32| {
            let mut canvas = Canvas { picture: RgbImage::new(64, 128), labels: Labels::default() };
            let bounds = Rect { x: x - 0.5, y: -0.5, w: 120.0, h: 100.0 };
            canvas.label(Part { x: 0, y: 0, w: 64, h: 128 }, &place(x), bounds, &frame, (8.0, 0.6));
            (canvas.labels.faces.len(), canvas.labels.doubtful.len())
        };
        // The face covers 40 to 80: all of it, a half and a tenth of it lie within 64 pixels.
        assert_eq!(label(-20.0), (1, 0));
        assert_eq!(label(4.0), (0, 1));
        assert_eq!(label(21.0), (0, 0));
    }
}
