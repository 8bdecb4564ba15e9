//! Classification losses with a margin: MagFace, ArcFace, CosFace.

use super::normalise;
use crate::recipe::{Margin, MarginKind};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};
use fastrand::Rng;
use std::collections::BTreeSet;

/// MagFace's bounds of a feature's length, margins at them, and weight of the regulariser
/// (Meng et al. 2021, section 4.1; the paper's settings).
const SHORTEST: f32 = 10.0;
const LONGEST: f32 = 110.0;
const LEAST_MARGIN: f32 = 0.45;
const MOST_MARGIN: f32 = 0.8;
const LAMBDA: f32 = 35.0;

/// Mean loss of features `[N, D]` that belong to the rows `labels` of `centres` (`[K, D]`).
pub fn margin(how: &Margin, features: Tensor<2>, centres: Tensor<2>, labels: &[usize]) -> Tensor<1> {
    let [batch, _] = features.dims();
    let [classes, _] = centres.dims();
    let one_hot = one_hot(labels, classes, &features);
    let cosines = normalise(features.clone()).matmul(normalise(centres).transpose());
    let own = (cosines.clone() * one_hot.clone()).sum_dim(1);
    let length = features.powi_scalar(2).sum_dim(1).sqrt().clamp(SHORTEST, LONGEST);
    let shifted = match how.kind {
        MarginKind::CosFace => own.clone() - how.margin,
        MarginKind::ArcFace => {
            let margin = own.clone().detach().zeros_like() + how.margin;
            turned(own.clone(), margin)
        }
        MarginKind::MagFace => {
            let slope = (MOST_MARGIN - LEAST_MARGIN) / (LONGEST - SHORTEST);
            turned(own.clone(), (length.clone() - SHORTEST) * slope + LEAST_MARGIN)
        }
    };
    let logits = (cosines + one_hot.clone() * (shifted - own)) * how.scale;
    let loss = (log_softmax(logits, 1) * one_hot).sum().neg() / batch as f32;
    match how.kind {
        MarginKind::MagFace => {
            let lengths = length.clone() / (LONGEST * LONGEST) + length.recip();
            loss + lengths.mean() * LAMBDA
        }
        _ => loss,
    }
}

/// cos(angle + margin); beyond pi - margin, where that would rise again, cos - margin sin(margin),
/// as in InsightFace.
fn turned(cosine: Tensor<2>, margin: Tensor<2>) -> Tensor<2> {
    // Kept off zero, where the root has no gradient.
    let sine = (cosine.clone().powi_scalar(2).neg() + 1.0).clamp_min(1e-12).sqrt();
    let (cos, sin) = (margin.clone().cos(), margin.clone().sin());
    let beyond = cosine.clone().lower_equal(cos.clone().neg());
    let turned = cosine.clone() * cos - sine * sin.clone();
    turned.mask_where(beyond, cosine - sin * margin)
}

fn one_hot(labels: &[usize], classes: usize, like: &Tensor<2>) -> Tensor<2> {
    let mut values = vec![0.0_f32; labels.len() * classes];
    for (row, label) in labels.iter().enumerate() {
        values[row * classes + label] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [labels.len(), classes]), &like.device())
}

/// Draws the class centres that one step compares with: those of the batch and random others up to
/// `share` of all (partial FC, An et al. 2021). Gives their rows, rising, and the place of each label.
pub fn sample_centres(
    labels: &[usize],
    classes: usize,
    share: f32,
    rng: &mut Rng,
) -> (Vec<usize>, Vec<usize>) {
    let mut chosen: BTreeSet<usize> = labels.iter().copied().collect();
    let wanted = ((classes as f32 * share).ceil() as usize).min(classes);
    while chosen.len() < wanted {
        chosen.insert(rng.usize(..classes));
    }
    let rows: Vec<usize> = chosen.into_iter().collect();
    let places = labels.iter().filter_map(|label| rows.binary_search(label).ok()).collect();
    (rows, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampled_centres_hold_every_label() {
        let labels = [3, 90, 3, 41];
        let (rows, places) = sample_centres(&labels, 100, 0.1, &mut Rng::with_seed(1));
        assert_eq!(rows.len(), 10);
        assert!(rows.windows(2).all(|w| w[0] < w[1]));
        let found: Vec<usize> = places.iter().map(|p| rows[*p]).collect();
        assert_eq!(found, labels);
    }
}
