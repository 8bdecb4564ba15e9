//! From a frame and five points to the crop that the recogniser sees.

use crate::{Landmarks, Point, RgbImage, Similarity};

/// Where the five points of a face lie in a crop, in its pixels: left eye, right eye, nose tip, left
/// and right mouth corner. ArcFace's published template, on which the models are trained.
pub const CROP_LANDMARKS: Landmarks = Landmarks([
    Point { x: 38.2946, y: 51.6963 },
    Point { x: 73.5318, y: 51.5014 },
    Point { x: 56.0252, y: 71.7366 },
    Point { x: 41.5493, y: 92.3655 },
    Point { x: 70.7299, y: 92.2041 },
]);

/// Crops that shrink a face more than this (crop pixels a frame pixel) are read from the halved frame.
const ALIASES_BELOW: f32 = 0.5;

/// The scales that a face may have: one of eyes 1 pixel apart, and one that fills any photograph.
const SCALES: std::ops::RangeInclusive<f32> = 1.0 / 1024.0..=35.0;

/// An aligned face: [`AlignedFace::SIDE`] squared RGB pixels, black before the first [`align`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedFace(RgbImage);

impl AlignedFace {
    /// Width and height in pixels.
    pub const SIDE: usize = 112;

    /// A black crop, to be filled by [`align`].
    #[must_use]
    pub fn new() -> AlignedFace {
        AlignedFace(RgbImage::new(Self::SIDE as u32, Self::SIDE as u32))
    }

    /// Takes a picture that is a crop already; `None` unless it is 112x112.
    #[must_use]
    pub fn from_rgb(image: &RgbImage) -> Option<AlignedFace> {
        let side = Self::SIDE as u32;
        ((image.width(), image.height()) == (side, side)).then(|| AlignedFace(image.clone()))
    }

    /// All 3 x 112 x 112 bytes: row by row, red, green, blue.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.0.data()
    }

    /// The crop as a picture, to be saved or drawn.
    #[must_use]
    pub fn image(&self) -> &RgbImage {
        &self.0
    }
}

impl Default for AlignedFace {
    fn default() -> AlignedFace {
        AlignedFace::new()
    }
}

/// Why a face could not be aligned; the crop is unchanged and the detection should be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlignError {
    /// A coordinate is NaN or infinite.
    #[error("a facial point is not a finite number")]
    NotFinite,
    /// A point lies further outside the picture than the picture is wide and high.
    #[error("a facial point lies far outside the picture")]
    FarOutside,
    /// The points do not form a face: equal, or in an order that no turned face has.
    #[error("the facial points do not form a face")]
    NotAFace,
}

/// Cuts the face out of `frame` so that its points fall onto [`CROP_LANDMARKS`]: the least-squares
/// similarity, bilinear sampling, black outside the frame. A crop that shrinks the face more than
/// twice is read from the frame halved until it does not; only the part under the crop is halved. On
/// the two portraits of tests/fixtures whose faces are that large (scales 0.41 and 0.37) this changes
/// the crop by 2.7 and 2.0 grey levels on average
/// (`cargo test --release -p mfn-vision --test align -- --nocapture large`).
///
/// # Errors
/// [`AlignError`] when the points cannot be a face of this frame.
pub fn align(frame: &RgbImage, landmarks: &Landmarks, into: &mut AlignedFace) -> Result<(), AlignError> {
    let to_crop = crop_transform(frame, landmarks)?;
    let halvings = (0..).find(|&n| to_crop.scale() * (1_u32 << n) as f32 >= ALIASES_BELOW);
    warp_halved(frame, halvings.unwrap_or(0), &to_crop, &mut into.0);
    Ok(())
}

fn crop_transform(frame: &RgbImage, landmarks: &Landmarks) -> Result<Similarity, AlignError> {
    let finite = |p: &Point| p.x.is_finite() && p.y.is_finite();
    if !landmarks.0.iter().all(finite) {
        return Err(AlignError::NotFinite);
    }
    let near = |v: f32, side: u32| (-(side as f32)..=2.0 * side as f32).contains(&v);
    if !landmarks.0.iter().all(|p| near(p.x, frame.width()) && near(p.y, frame.height())) {
        return Err(AlignError::FarOutside);
    }
    Similarity::between(&landmarks.0, &CROP_LANDMARKS.0)
        .filter(|found| SCALES.contains(&found.scale()))
        .ok_or(AlignError::NotAFace)
}

/// Fills `to`, whose size says what is wanted, with `from` moved by `transform` (from pixels of `from`
/// to pixels of `to`): bilinear sampling in floating point at the inverse, black outside `from`.
pub fn warp(from: &RgbImage, transform: &Similarity, to: &mut RgbImage) {
    warp_halved(from, 0, transform, to);
}

/// As [`warp`], but from the picture halved `halvings` times, which is never stored: its pixels are
/// means of squares of 2^halvings pixels a side, computed where they are needed.
fn warp_halved(from: &RgbImage, halvings: u32, transform: &Similarity, to: &mut RgbImage) {
    let source = Halved { from, square: 1 << halvings };
    let back = transform.inverse().onto_halved(f64::from(source.square));
    let row = 3 * (to.width() as usize).max(1);
    for (y, line) in to.data_mut().chunks_exact_mut(row).enumerate() {
        for (x, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = back.apply_exact(x as f64, y as f64);
            *pixel = source.sample(x, y);
        }
    }
}

/// A picture seen at half, a quarter ... of its size.
struct Halved<'a> {
    from: &'a RgbImage,
    square: u32,
}

impl Halved<'_> {
    /// Bilinear, black outside.
    #[inline]
    fn sample(&self, x: f64, y: f64) -> [u8; 3] {
        let ((x, wx), (y, wy)) = (split(x), split(y));
        let [a, b, c, d] = self.inner_corners(x, y).unwrap_or_else(|| self.corners(x, y));
        std::array::from_fn(|i| {
            let above = a[i] + (b[i] - a[i]) * wx;
            let below = c[i] + (d[i] - c[i]) * wx;
            // Adding 2^23 leaves the nearest whole number in the low bits: no slow checked cast.
            (above + (below - above) * wy + 8_388_608.0).to_bits() as u8
        })
    }

    /// The four pixels around a place in the middle of a picture that is not halved: nearly all places.
    #[inline]
    fn inner_corners(&self, x: i32, y: i32) -> Option<[[f32; 3]; 4]> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let (width, pixels) = (self.from.width() as usize, self.from.data().as_chunks::<3>().0);
        if self.square > 1 || x + 1 >= width || y + 1 >= self.from.height() as usize {
            return None;
        }
        let at = y * width + x;
        let [a, b] = *pixels.get(at..at + 2)?.as_array()?;
        let [c, d] = *pixels.get(at + width..at + width + 2)?.as_array()?;
        Some([a, b, c, d].map(|pixel| pixel.map(f32::from)))
    }

    fn corners(&self, x: i32, y: i32) -> [[f32; 3]; 4] {
        let (right, below) = (x.saturating_add(1), y.saturating_add(1));
        [(x, y), (right, y), (x, below), (right, below)].map(|(x, y)| self.pixel(x, y))
    }

    fn pixel(&self, x: i32, y: i32) -> [f32; 3] {
        let square = self.square as usize;
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return [0.0; 3] };
        let (width, height) = (self.from.width() as usize, self.from.height() as usize);
        if x >= width / square || y >= height / square {
            return [0.0; 3];
        }
        let pixels = self.from.data().as_chunks::<3>().0;
        if square == 1 {
            return pixels[y * width + x].map(f32::from);
        }
        let mut sum = [0_u32; 3];
        for row in pixels[y * square * width..].chunks(width).take(square) {
            for pixel in &row[x * square..][..square] {
                (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
            }
        }
        sum.map(|v| v as f32 / (square * square) as f32)
    }
}

/// The whole number below and what is left, 0 to 1. Saturates far outside any picture, where all is
/// black whatever the rest. (`f64::floor` is a call on x86-64 without SSE 4.1.)
#[inline]
fn split(v: f64) -> (i32, f32) {
    let towards_zero = v as i32;
    let whole = towards_zero.saturating_sub(i32::from(f64::from(towards_zero) > v));
    (whole, (v - f64::from(whole)) as f32)
}
