//! The one picture type that detector, alignment and drawing work on: packed 8-bit RGB.

/// A picture of `width` x `height` pixels, three bytes each (red, green, blue), rows packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RgbImage {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl RgbImage {
    /// A black picture.
    #[must_use]
    pub fn new(width: u32, height: u32) -> RgbImage {
        let mut image = RgbImage::default();
        image.reshape(width, height);
        image
    }

    /// Takes over packed bytes; `None` unless there are exactly `3 * width * height`.
    #[must_use]
    pub fn from_raw(width: u32, height: u32, data: Vec<u8>) -> Option<RgbImage> {
        let wanted = (width as usize).checked_mul(height as usize)?.checked_mul(3)?;
        (data.len() == wanted).then_some(RgbImage { width, height, data })
    }

    /// Gives the picture another size and keeps its buffer; the contents are unspecified.
    pub fn reshape(&mut self, width: u32, height: u32) {
        self.width = width;
        self.height = height;
        self.data.resize(3 * width as usize * height as usize, 0);
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All bytes, row by row.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// One row of `3 * width` bytes; panics when `y` is not below the height.
    #[must_use]
    pub fn row(&self, y: u32) -> &[u8] {
        let n = 3 * self.width as usize;
        &self.data[y as usize * n..][..n]
    }
}
