//! Training passes in libtorch against those of the CPU's kernels. They need a program built with the feature `torch`
//! and no card: libtorch computes the same on the CPU.
#![cfg(feature = "torch")]

use burn::tensor::{Device, Tensor, TensorData};
use fastrand::Rng;
use mfn_export::arch::Architecture;
use mfn_export::net::{Bound, Card, Network, Parameter, ParameterSet, Role, floats};
use mfn_export::recipe::Precision;

const BATCH: usize = 8;

/// Features, gradients and running statistics after one batch.
struct Outcome {
    features: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    set: ParameterSet,
}

fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::with_seed(seed);
    (0..len).map(|_| 2.0 * rng.f32() - 1.0).collect()
}

fn in_kernels(architecture: Architecture, set: &ParameterSet, images: &[f32], towards: &[f32]) -> Outcome {
    let device = Device::flex().autodiff();
    let network = Network::new(architecture, set).unwrap();
    let bound = Bound::new(set, &device, true);
    let images = Tensor::from_data(TensorData::new(images.to_vec(), [BATCH, 3, 112, 112]), &device);
    let forward = network.train(&bound, images, &[]);
    let towards = Tensor::<2>::from_data(TensorData::new(towards.to_vec(), [BATCH, 512]), &device);
    let mut back = (forward.features.clone() * towards).sum().backward();
    let gradients = bound.gradients(set, &mut back).unwrap();
    let mut set = set.clone();
    forward.statistics.into_iter().for_each(|s| s.apply(&mut set, 1.0).unwrap());
    Outcome { features: floats(forward.features.detach()).unwrap(), gradients, set }
}

fn in_libtorch(
    (architecture, precision): (Architecture, Precision),
    set: &ParameterSet,
    images: &[f32],
    towards: &[f32],
) -> Outcome {
    let card = Card::new(architecture, set, tch::Device::Cpu, precision).unwrap();
    let run = card.forward(set, images).unwrap();
    let features = run.features().unwrap();
    let len = |p: &Parameter| if p.role == Role::Statistic { 0 } else { p.values.len() };
    let mut gradients: Vec<_> = set.list.iter().map(|p| vec![0.0; len(p)]).collect();
    let statistics = run.backward(towards, &mut gradients, &Device::flex()).unwrap();
    let mut set = set.clone();
    statistics.into_iter().for_each(|s| s.apply(&mut set, 1.0).unwrap());
    Outcome { features, gradients, set }
}

fn length(values: impl IntoIterator<Item = f32>) -> f64 {
    values.into_iter().map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

/// Length of the difference by that of the first.
fn apart(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    length(a.iter().zip(b).map(|(a, b)| a - b)) / length(a.iter().copied())
}

fn both(architecture: Architecture, precision: Precision) -> [Outcome; 2] {
    let mut set = ParameterSet::network(architecture, &mut Rng::with_seed(1));
    // With the fresh shifts of zero the network is blind to many scales, and their gradients are rounding alone.
    for (seed, parameter) in set.list.iter_mut().enumerate().filter(|(_, p)| p.role == Role::Scale) {
        let noise = random(parameter.values.len(), seed as u64);
        parameter.values.iter_mut().zip(noise).for_each(|(value, noise)| *value += 0.2 * noise);
    }
    let (images, towards) = (random(BATCH * 3 * 112 * 112, 1000), random(BATCH * 512, 1001));
    let found = in_libtorch((architecture, precision), &set, &images, &towards);
    [in_kernels(architecture, &set, &images, &towards), found]
}

#[test]
fn single_precision_gives_the_kernels_passes() {
    for architecture in Architecture::ALL {
        let [expected, found] = both(architecture, Precision::Single);
        assert!(apart(&expected.features, &found.features) < 1e-3, "{architecture:?}");
        let whole = length(expected.gradients.iter().flatten().copied());
        for (i, parameter) in expected.set.list.iter().enumerate() {
            let (a, b) = (&expected.gradients[i], &found.gradients[i]);
            let difference = length(a.iter().zip(b).map(|(a, b)| a - b));
            // A shift before a batch norm has no gradient but rounding.
            let scale = length(a.iter().copied()) + 1e-3 * whole;
            assert!(
                difference < 1e-2 * scale,
                "{architecture:?}, {}: {difference} of {scale}",
                parameter.name
            );
            let values = &found.set.list[i].values;
            let difference = apart(&parameter.values, values);
            assert!(difference < 1e-3, "{architecture:?}, {}: {difference}", parameter.name);
        }
    }
}

#[test]
fn mixed_precision_stays_near() {
    for architecture in Architecture::ALL {
        let [expected, found] = both(architecture, Precision::Mixed);
        let flat = |gradients: &[Vec<f32>]| gradients.iter().flatten().copied().collect::<Vec<f32>>();
        let features = apart(&expected.features, &found.features);
        let gradient = apart(&flat(&expected.gradients), &flat(&found.gradients));
        assert!(
            features < 0.3 && gradient < 0.5,
            "{architecture:?}: features {features}, gradient {gradient}"
        );
    }
}
