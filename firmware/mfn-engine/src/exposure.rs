//! Light and sharpness of an aligned face, measured on its grey values.

use mfn_vision::AlignedFace;

/// Only the inside of the crop is measured: hair, background and the black beside a frame's edge are outside.
const MARGIN: usize = 20;
/// Side of what is measured, in pixels.
const SIDE: usize = AlignedFace::SIDE - 2 * MARGIN;
/// Grey levels that sensor and JPEG make of black and white.
const BLACK: f32 = 8.0;
const WHITE: f32 = 247.0;

/// Mean grey level, 0 to 255, and the share of almost black and almost white pixels, 0 to 1.
pub(crate) struct Exposure {
    pub brightness: f32,
    pub clipped: f32,
}

/// Grey values of the inside of a crop.
pub(crate) struct Grey([[f32; SIDE]; SIDE]);

impl Grey {
    /// Luma of ITU-R BT.601.
    pub(crate) fn inside(face: &AlignedFace) -> Grey {
        let pixels = face.data().as_chunks::<3>().0;
        Grey(std::array::from_fn(|y| {
            let row = &pixels[(y + MARGIN) * AlignedFace::SIDE + MARGIN..][..SIDE];
            std::array::from_fn(|x| {
                let [r, g, b] = row[x].map(f32::from);
                0.299 * r + 0.587 * g + 0.114 * b
            })
        }))
    }

    pub(crate) fn exposure(&self) -> Exposure {
        let values = self.0.as_flattened();
        let clipped = values.iter().filter(|v| **v < BLACK || **v > WHITE).count();
        Exposure { brightness: mean(values), clipped: clipped as f32 / values.len() as f32 }
    }

    /// Variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000)
    /// over the variance of the grey values; 0 for a flat picture.
    pub(crate) fn sharpness(&self) -> f32 {
        let g = &self.0;
        let inner = 1..SIDE - 1;
        let laplacian: Vec<f32> = inner
            .clone()
            .flat_map(|y| inner.clone().map(move |x| (y, x)))
            .map(|(y, x)| g[y - 1][x] + g[y + 1][x] + g[y][x - 1] + g[y][x + 1] - 4.0 * g[y][x])
            .collect();
        // One grey level of variance: noise of a flat picture is not sharpness.
        variance(&laplacian) / (variance(g.as_flattened()) + 1.0)
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn variance(values: &[f32]) -> f32 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / values.len() as f32
}
