//! What the networks are trained towards, as functions of burn tensors.

mod distil;
mod margin;

pub use distil::{cosine, hint, pairwise};
pub use margin::{margin, sample_centres};

use burn::tensor::Tensor;

/// Rows scaled to length one; a zero row stays zero.
pub fn normalise(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-6);
    rows / length
}
