//! The losses of a batch: is it a face, how well does the box fit, the box, the points.

use super::targets::Targets;
use burn::tensor::{Int, Tensor, TensorData, activation::relu};

/// Weights of the parts in the sum; chosen so that each begins between 0.5 and 5.
const WEIGHTS: [f32; 4] = [1.0, 1.0, 2.0, 40.0];
/// Errors of points below this share of the face's size count squared, above it as they are.
const SMOOTH: f32 = 0.02;
/// Logarithms of sizes are held within this, so that no box overflows early in training.
const LARGEST_LOG: f32 = 6.0;

/// The losses of one batch.
pub struct Losses {
    /// The weighted sum.
    pub total: Tensor<1>,
    /// Each part by name, unweighted.
    pub parts: Vec<(String, Tensor<1>)>,
}

/// The losses of raw outputs `[cells, 16]`: binary cross-entropy of `cls` over all cells and of `obj` against the
/// intersection over union that the box has, 1 - DIoU of the boxes (Zheng et al. 2020), and the points' distance.
pub fn losses(outputs: Tensor<2>, targets: &Targets) -> Losses {
    let device = outputs.device();
    let column =
        |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [values.len(), 1]), &device);
    let count = targets.positives.len();
    let scores = outputs.clone().slice([0..targets.face.len(), 0..1]);
    let entropy = cross_entropy(scores, column(&targets.face)) * column(&targets.counts);
    let mut parts = vec![("face".to_string(), entropy.sum() / count.max(1) as f32)];
    if count > 0 {
        let numbers: Vec<i32> = targets.positives.iter().map(|c| *c as i32).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(numbers, [count]), &device);
        let own = outputs.select(0, rows);
        let flat = |rows: &[[f32; 4]]| rows.concat();
        let wanted = Tensor::<2>::from_data(TensorData::new(flat(&targets.boxes), [count, 4]), &device);
        let (iou, diou) = overlap(own.clone().slice([0..count, 2..6]), wanted);
        let fit = cross_entropy(own.clone().slice([0..count, 1..2]), iou.detach().clamp(0.0, 1.0));
        let wanted = Tensor::<2>::from_data(TensorData::new(targets.points.concat(), [count, 10]), &device);
        let error = (own.slice([0..count, 6..16]) - wanted) / column(&targets.sizes);
        parts.push(("fit".into(), fit.mean()));
        parts.push(("box".into(), (-diou + 1.0).mean()));
        parts.push(("points".into(), smooth(error).mean()));
    }
    let mut total = Tensor::<1>::zeros([1], &device);
    for ((_, part), weight) in parts.iter().zip(WEIGHTS) {
        total = total + part.clone() * weight;
    }
    // A batch without faces still reports every part.
    for name in ["fit", "box", "points"].into_iter().skip(parts.len() - 1) {
        parts.push((name.into(), Tensor::zeros([1], &device)));
    }
    Losses { total, parts }
}

/// max(x, 0) - x t + log(1 + exp(-|x|)).
fn cross_entropy(x: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    relu(x.clone()) - x.clone() * target + (x.abs().neg().exp() + 1.0).log()
}

/// Intersection over union, and the same less the squared distance of the centres over the squared diagonal of
/// the box around both; `raw` are outputs, `wanted` centre and size in strides.
fn overlap(raw: Tensor<2>, wanted: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let n = raw.dims()[0];
    let pair = |t: &Tensor<2>, at: usize| t.clone().slice([0..n, at..at + 2]);
    let (centre, size) = (pair(&raw, 0), pair(&raw, 2).clamp(-LARGEST_LOG, LARGEST_LOG).exp());
    let (centre_w, size_w) = (pair(&wanted, 0), pair(&wanted, 2));
    let edges = |c: &Tensor<2>, s: &Tensor<2>| (c.clone() - s.clone() * 0.5, c.clone() + s.clone() * 0.5);
    let ((low, high), (low_w, high_w)) = (edges(&centre, &size), edges(&centre_w, &size_w));
    let inner = relu(high.clone().min_pair(high_w.clone()) - low.clone().max_pair(low_w.clone()));
    let outer = high.max_pair(high_w) - low.min_pair(low_w);
    let product = |t: Tensor<2>| t.clone().slice([0..n, 0..1]) * t.slice([0..n, 1..2]);
    let both = product(inner);
    let iou = both.clone() / (product(size) + product(size_w) - both + 1e-9);
    let distance = (centre - centre_w).square().sum_dim(1);
    let diagonal = outer.square().sum_dim(1);
    (iou.clone(), iou - distance / (diagonal + 1e-9))
}

/// Squared over 2 b below b, linear above.
fn smooth(error: Tensor<2>) -> Tensor<2> {
    let size = error.abs();
    let inner = size.clone().clamp(0.0, SMOOTH);
    inner.clone().square() / (2.0 * SMOOTH) + (size - inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::floats;
    use burn::tensor::Device;

    /// Cell 1 of 3 holds a face, cell 2 counts neither way.
    fn targets() -> Targets {
        Targets {
            face: vec![0.0, 1.0, 0.0],
            counts: vec![1.0, 1.0, 0.0],
            positives: vec![1],
            boxes: vec![[0.5, 0.5, 2.0, 2.0]],
            points: vec![[0.0; 10]],
            sizes: vec![2.0],
        }
    }

    fn of(values: &[f32]) -> Losses {
        losses(Tensor::from_data(TensorData::new(values.to_vec(), [3, 16]), &Device::flex()), &targets())
    }

    fn part(losses: &Losses, name: &str) -> f32 {
        let (_, value) = losses.parts.iter().find(|(n, _)| n == name).unwrap();
        floats(value.clone()).unwrap()[0]
    }

    #[test]
    fn worked_out_by_hand() {
        let mut values = [0.0_f32; 48];
        values[32] = 50.0;
        // Box of cell 1: centre (1.5, 0.5), sides 2: it covers half of the wanted one.
        values[16 + 2..16 + 6].copy_from_slice(&[1.5, 0.5, 2f32.ln(), 2f32.ln()]);
        values[16 + 6] = 0.02;
        values[16 + 7] = -1.0;
        let losses = of(&values);
        // Two cells at probability one half; the third, as wrong as can be, does not count.
        assert!((part(&losses, "face") - 2.0 * 2f32.ln()).abs() < 1e-5);
        // IoU 2 / 6; at x = 0 the cross-entropy is log 2 whatever the target.
        assert!((part(&losses, "fit") - 2f32.ln()).abs() < 1e-5);
        // The box around both is 3 x 2, the centres are 1 apart: 1 - 1/3 + 1/13.
        assert!((part(&losses, "box") - (2.0 / 3.0 + 1.0 / 13.0)).abs() < 1e-5);
        // Errors 0.01 and 0.5 of the size: 0.01^2 / 0.04 and 0.02 / 2 + 0.48, over ten numbers.
        assert!((part(&losses, "points") - (0.0025 + 0.49) / 10.0).abs() < 1e-5);
        let total = part(&losses, "face")
            + part(&losses, "fit")
            + 2.0 * part(&losses, "box")
            + 40.0 * part(&losses, "points");
        assert!((floats(losses.total).unwrap()[0] - total).abs() < 1e-4);
    }

    #[test]
    fn without_faces_every_part_is_still_there() {
        let none = Targets {
            face: vec![0.0; 3],
            counts: vec![1.0; 3],
            positives: vec![],
            boxes: vec![],
            points: vec![],
            sizes: vec![],
        };
        let outputs = Tensor::<2>::zeros([3, 16], &Device::flex());
        let losses = losses(outputs, &none);
        assert_eq!(losses.parts.len(), 4);
        assert!((part(&losses, "face") - 3.0 * 2f32.ln()).abs() < 1e-5 && part(&losses, "box") == 0.0);
    }

    /// The gradient against differences of the loss itself; `fit` has a detached target and is left out.
    #[test]
    fn gradients_are_those_of_the_loss() {
        let mut rng = fastrand::Rng::with_seed(7);
        let values: Vec<f32> = (0..48).map(|_| rng.f32() - 0.5).collect();
        let device = Device::flex().autodiff();
        let outputs =
            Tensor::<2>::from_data(TensorData::new(values.clone(), [3, 16]), &device).require_grad();
        let gradients = losses(outputs.clone(), &targets()).total.backward();
        let gradient = floats(outputs.grad(&gradients).unwrap()).unwrap();
        let loss = |values: &[f32]| {
            let l = of(values);
            let weighted = [("face", 1.0), ("box", 2.0), ("points", 40.0)];
            weighted.iter().map(|(name, w)| *w * f64::from(part(&l, name))).sum::<f64>()
        };
        for i in (0..48).filter(|i| *i != 17) {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[i] += by;
                loss(&values)
            };
            let difference = ((moved(2e-3) - moved(-2e-3)) / 4e-3) as f32;
            // The losses are f32: their rounding counts by the weights.
            let allowed = 5e-3 * difference.abs().max(1.0);
            assert!((gradient[i] - difference).abs() < allowed, "{i}: {} for {difference}", gradient[i]);
        }
        assert!(gradient[32..].iter().all(|g| *g == 0.0), "a cell that does not count has no gradient");
    }
}
