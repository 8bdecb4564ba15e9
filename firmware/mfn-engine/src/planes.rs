//! From packed RGB bytes to the planes of 32-bit values that a network takes.

use crate::manifest::{ChannelOrder, Input};

/// `(pixel - mean) / scale` for each plane and each of the 256 pixel values.
pub(crate) struct Planes {
    /// For each plane: which byte of a pixel it reads, and what becomes of it.
    tables: [(usize, [f32; 256]); 3],
}

impl Planes {
    pub(crate) fn new(input: &Input) -> Planes {
        let tables = std::array::from_fn(|plane| {
            let byte = match input.channels {
                ChannelOrder::Rgb => plane,
                ChannelOrder::Bgr => 2 - plane,
            };
            let (mean, scale) = (input.mean[plane], input.scale[plane]);
            (byte, std::array::from_fn(|pixel| (pixel as f32 - mean) / scale))
        });
        Planes { tables }
    }

    /// Writes three planes; `rgb` and `planes` hold the same number of values.
    pub(crate) fn fill(&self, rgb: &[u8], planes: &mut [f32]) {
        debug_assert_eq!(rgb.len(), planes.len());
        let pixels = rgb.as_chunks::<3>().0;
        for ((byte, table), plane) in self.tables.iter().zip(planes.chunks_exact_mut(pixels.len().max(1))) {
            for (value, pixel) in plane.iter_mut().zip(pixels) {
                *value = table[usize::from(pixel[*byte])];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(channels: ChannelOrder) -> Vec<f32> {
        let input = Input {
            name: "input".into(),
            size: None,
            channels,
            mean: [10.0, 20.0, 30.0],
            scale: [1.0, 2.0, 4.0],
        };
        let mut planes = vec![f32::NAN; 6];
        Planes::new(&input).fill(&[11, 22, 33, 10, 20, 255], &mut planes);
        planes
    }

    #[test]
    fn mean_and_scale_follow_the_planes() {
        assert_eq!(planes(ChannelOrder::Rgb), [1.0, 0.0, 1.0, 0.0, 0.75, 56.25]);
        assert_eq!(planes(ChannelOrder::Bgr), [23.0, 245.0, 1.0, 0.0, -4.75, -5.0]);
    }
}
