//! Similarity transforms of the plane: rotation, one scale, shift; never a reflection.

use crate::Point;

/// x' = a x - b y + tx, y' = b x + a y + ty, in pixels. Its scale is never zero, so it has an inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    a: f64,
    b: f64,
    tx: f64,
    ty: f64,
}

impl Similarity {
    /// The least-squares similarity from five points onto five others: Umeyama 1991 (IEEE PAMI 13(4),
    /// equations 40 to 42) without reflection, which in the plane is one complex division. `None` when
    /// the points do not define one: all equal, unrelated (scale 0) or not finite.
    #[must_use]
    pub fn between(from: &[Point; 5], to: &[Point; 5]) -> Option<Similarity> {
        let ((fx, fy), (tx, ty)) = (centroid(from), centroid(to));
        let (mut spread, mut re, mut im) = (0.0, 0.0, 0.0);
        for (f, t) in from.iter().zip(to) {
            let (fx, fy) = (f64::from(f.x) - fx, f64::from(f.y) - fy);
            let (tx, ty) = (f64::from(t.x) - tx, f64::from(t.y) - ty);
            spread += fx * fx + fy * fy;
            re += fx * tx + fy * ty;
            im += fx * ty - fy * tx;
        }
        let (a, b) = (re / spread, im / spread);
        let found = Similarity { a, b, tx: tx - (a * fx - b * fy), ty: ty - (b * fx + a * fy) };
        let finite = [a, b, found.tx, found.ty].iter().all(|v| v.is_finite());
        (finite && found.scale() > f32::MIN_POSITIVE && found.scale().is_finite()).then_some(found)
    }

    /// Target pixels a source pixel.
    #[must_use]
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b) as f32
    }

    /// Where a point goes.
    #[must_use]
    pub fn apply(&self, point: Point) -> Point {
        let (x, y) = self.apply_exact(f64::from(point.x), f64::from(point.y));
        Point { x: x as f32, y: y as f32 }
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Similarity {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Similarity { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) }
    }

    /// Followed by the change to a picture of which each pixel covers `square` x `square` of these:
    /// its pixel x is centred at square x + (square - 1) / 2.
    pub(crate) fn onto_halved(&self, square: f64) -> Similarity {
        let shift = |t: f64| (t - (square - 1.0) / 2.0) / square;
        Similarity { a: self.a / square, b: self.b / square, tx: shift(self.tx), ty: shift(self.ty) }
    }

    pub(crate) fn apply_exact(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty)
    }
}

fn centroid(points: &[Point; 5]) -> (f64, f64) {
    let sum = points.iter().fold((0.0, 0.0), |(x, y), p| (x + f64::from(p.x), y + f64::from(p.y)));
    (sum.0 / 5.0, sum.1 / 5.0)
}
