//! Bilinear resizing with half-pixel centres. A picture that shrinks by two or more is first read as
//! if it had been halved (by means of 2x2 pixels) as often as it takes: bilinear alone would alias.

use crate::RgbImage;

/// Fractional bits of a weight: two weights and a level stay within 31 bits, as in OpenCV.
const BITS: u32 = 11;
const ONE: u32 = 1 << BITS;

/// Fills `to`, whose size says what is wanted, with `from`; the sides' ratio may change. All black
/// when `from` is empty.
pub fn resize(from: &RgbImage, to: &mut RgbImage) {
    let (width, height) = (to.width(), to.height());
    resize_into(from, to, width, height);
}

/// Fits the whole of `from` into `to` at its top left, black elsewhere, and returns the scale: target
/// pixels a source pixel, the same across and down but for the rounding of the sides to whole pixels.
/// A box found in `to` is [`crate::Rect::scaled`] by 1 / scale into `from`. 0 when either is empty.
pub fn fit(from: &RgbImage, to: &mut RgbImage) -> f32 {
    let (wide, high) = (to.width() as f32 / from.width() as f32, to.height() as f32 / from.height() as f32);
    let scale = wide.min(high);
    if !(scale.is_finite() && scale > 0.0) {
        to.data_mut().fill(0);
        return 0.0;
    }
    let side = |from: u32, limit: u32| ((from as f32 * scale).round() as u32).clamp(1, limit);
    let (width, height) = (side(from.width(), to.width()), side(from.height(), to.height()));
    clear_beside(to, width, height);
    resize_into(from, to, width, height);
    scale
}

/// Halves both sides (an odd last column or row is left out): each pixel of `to` becomes the mean of
/// 2x2 pixels of `from`. Pixel x of the half lies at 2x + 0.5 of the whole.
pub fn halve(from: &RgbImage, to: &mut RgbImage) {
    to.reshape(from.width() / 2, from.height() / 2);
    let row = 3 * to.width() as usize;
    if row == 0 {
        return;
    }
    for (y, to) in (0..).zip(to.data_mut().chunks_exact_mut(row)) {
        halve_rows(from.row(2 * y), from.row(2 * y + 1), to);
    }
}

fn halve_rows(above: &[u8], below: &[u8], to: &mut [u8]) {
    let above = above.as_chunks::<6>().0;
    let below = below.as_chunks::<6>().0;
    for ((to, a), b) in to.as_chunks_mut::<3>().0.iter_mut().zip(above).zip(below) {
        for c in 0..3 {
            let sum = u16::from(a[c]) + u16::from(a[c + 3]) + u16::from(b[c]) + u16::from(b[c + 3]);
            to[c] = ((sum + 2) >> 2) as u8;
        }
    }
}

fn clear_beside(to: &mut RgbImage, width: u32, height: u32) {
    let (row, used) = (3 * to.width() as usize, 3 * width as usize);
    for (y, line) in to.data_mut().chunks_exact_mut(row).enumerate() {
        line[if y < height as usize { used } else { 0 }..].fill(0);
    }
}

/// Writes the whole of `from` into the top left `width` x `height` pixels of `to`.
fn resize_into(from: &RgbImage, to: &mut RgbImage, width: u32, height: u32) {
    let row = 3 * to.width() as usize;
    if width == 0 || height == 0 {
        return;
    }
    if from.width() == 0 || from.height() == 0 {
        to.data_mut().fill(0);
        return;
    }
    let mut source = Source::new(from, width, height);
    let lines = to.data_mut().chunks_exact_mut(row).map(|line| &mut line[..3 * width as usize]);
    if (source.width, source.height) == (width, height) {
        (0..height).zip(lines).for_each(|(y, line)| source.write_row(y, line));
    } else {
        interpolate(&mut source, width, height, lines);
    }
}

fn interpolate<'a>(source: &mut Source, width: u32, height: u32, lines: impl Iterator<Item = &'a mut [u8]>) {
    let (across, down) = (taps(source.width, width), taps(source.height, height));
    let mut cache = RowCache::new(source.width, width);
    for (tap, line) in down.iter().zip(lines) {
        cache.fetch(tap.at, source, &across);
        cache.fetch(tap.next, source, &across);
        blend(cache.row(tap.at), cache.row(tap.next), tap.weight, line);
    }
}

/// Where a target pixel's centre falls between two source pixels.
#[derive(Clone, Copy)]
struct Tap {
    at: u32,
    next: u32,
    /// Of `next`, in 1/2048.
    weight: u32,
}

/// One tap for each of `to` target pixels over `from` source pixels: source coordinate of target
/// pixel i is (i + 0.5) x from / to - 0.5, clamped to the picture.
fn taps(from: u32, to: u32) -> Vec<Tap> {
    let step = f64::from(from) / f64::from(to);
    let last = from - 1;
    let tap = |i: u32| {
        let x = ((f64::from(i) + 0.5) * step - 0.5).clamp(0.0, f64::from(last));
        let at = x as u32;
        let weight = ((x - f64::from(at)) * f64::from(ONE)).round() as u32;
        Tap { at, next: (at + 1).min(last), weight }
    };
    (0..to).map(tap).collect()
}

/// The source picture, or that picture halved, row by row.
struct Source<'a> {
    from: &'a RgbImage,
    /// Sides of the square of source pixels that one pixel of a row is the mean of; a power of two.
    square: u32,
    width: u32,
    height: u32,
    /// Room for [`Source::mean_of_squares`].
    sums: Vec<u32>,
}

impl<'a> Source<'a> {
    /// Halves until the smaller shrinking of the two is below two.
    fn new(from: &'a RgbImage, width: u32, height: u32) -> Source<'a> {
        let shrink = (from.width() / width).min(from.height() / height).max(1);
        let square = 1 << shrink.ilog2();
        let (width, height) = (from.width() / square, from.height() / square);
        Source { from, square, width, height, sums: Vec::new() }
    }

    fn write_row(&mut self, y: u32, to: &mut [u8]) {
        match self.square {
            1 => to.copy_from_slice(self.from.row(y)),
            2 => halve_rows(self.from.row(2 * y), self.from.row(2 * y + 1), to),
            _ => self.mean_of_squares(y, to),
        }
    }

    fn mean_of_squares(&mut self, y: u32, to: &mut [u8]) {
        let square = self.square as usize;
        self.sums.clear();
        self.sums.resize(to.len(), 0);
        for dy in 0..self.square {
            let pixels = self.from.row(y * self.square + dy).as_chunks::<3>().0;
            for (sum, group) in self.sums.as_chunks_mut::<3>().0.iter_mut().zip(pixels.chunks_exact(square)) {
                for pixel in group {
                    (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
                }
            }
        }
        let shift = 2 * self.square.ilog2();
        for (mean, sum) in to.iter_mut().zip(&self.sums) {
            *mean = ((sum + (1 << (shift - 1))) >> shift) as u8;
        }
    }
}

/// The last two source rows that were resized across: each is used for several target rows.
struct RowCache {
    source: Vec<u8>,
    rows: [Vec<u32>; 2],
    held: [Option<u32>; 2],
}

impl RowCache {
    fn new(from_width: u32, to_width: u32) -> RowCache {
        let row = || vec![0; 3 * to_width as usize];
        RowCache { source: vec![0; 3 * from_width as usize], rows: [row(), row()], held: [None; 2] }
    }

    /// Neighbouring rows have different parities, so neither evicts the other.
    fn fetch(&mut self, y: u32, source: &mut Source, across: &[Tap]) {
        let slot = (y % 2) as usize;
        if self.held[slot] != Some(y) {
            source.write_row(y, &mut self.source);
            stretch(&self.source, across, &mut self.rows[slot]);
            self.held[slot] = Some(y);
        }
    }

    fn row(&self, y: u32) -> &[u32] {
        &self.rows[(y % 2) as usize]
    }
}

/// One source row resized across, in 1/2048 levels.
fn stretch(row: &[u8], across: &[Tap], to: &mut [u32]) {
    let pixels = row.as_chunks::<3>().0;
    for (to, tap) in to.as_chunks_mut::<3>().0.iter_mut().zip(across) {
        let (a, b) = (pixels[tap.at as usize], pixels[tap.next as usize]);
        for c in 0..3 {
            to[c] = u32::from(a[c]) * (ONE - tap.weight) + u32::from(b[c]) * tap.weight;
        }
    }
}

fn blend(above: &[u32], below: &[u32], weight: u32, to: &mut [u8]) {
    let half = 1 << (2 * BITS - 1);
    for ((to, a), b) in to.iter_mut().zip(above).zip(below) {
        *to = ((a * (ONE - weight) + b * weight + half) >> (2 * BITS)) as u8;
    }
}
