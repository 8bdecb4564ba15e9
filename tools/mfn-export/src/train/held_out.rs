//! Verification on the identities that a recipe holds out, for choosing checkpoints.

use crate::arch::{DIMENSION, INPUT_SIDE};
use crate::data::{Dataset, Face, decode, generator, normalise};
use crate::metrics::{Scored, Verification, verification};
use crate::net::{Bound, Network, ParameterSet, floats};
use crate::recipe::HeldOut;
use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;

/// Faces embedded at once.
const BATCH: usize = 32;
/// The pairs are the same for every seed of training, so that runs can be compared.
const PAIRS_SEED: u64 = 20_171_010;

/// The decoded faces and drawn pairs of the held-out identities.
pub struct Examination {
    faces: Vec<Vec<u8>>,
    pairs: Vec<(usize, usize, bool)>,
}

impl Examination {
    /// Draws pairs; `None` where fewer than two identities with two pictures are held out.
    pub fn prepare(dataset: &Dataset, rule: &HeldOut) -> Result<Option<Self>> {
        let mut people: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut faces = Vec::new();
        for face in thinned(&dataset.held_out, rule.most_images) {
            let mut bytes = Vec::new();
            dataset.read(face, &mut bytes)?;
            if let (Ok(picture), Some(identity)) = (decode(&bytes), face.identity) {
                people.entry(identity).or_default().push(faces.len());
                faces.push(picture.into_raw());
            }
        }
        let people: Vec<Vec<usize>> = people.into_values().filter(|p| p.len() >= 2).collect();
        if people.len() < 2 {
            return Ok(None);
        }
        Ok(Some(Self { faces, pairs: draw(&people, rule.pairs) }))
    }

    /// How many faces it looks at.
    pub fn faces(&self) -> usize {
        self.faces.len()
    }

    /// The figures of a network with these weights; `None` when a score is not a number.
    pub fn examine(
        &self,
        network: &Network,
        set: &ParameterSet,
        device: &Device,
    ) -> Result<Option<Verification>> {
        let device = device.clone().without_autodiff();
        let bound = Bound::new(set, &device, false);
        let mut features: Vec<f32> = Vec::with_capacity(self.faces.len() * DIMENSION);
        for part in self.faces.chunks(BATCH) {
            let len = 3 * INPUT_SIDE * INPUT_SIDE;
            let mut images = vec![0.0; part.len() * len];
            for (face, image) in part.iter().zip(images.chunks_exact_mut(len)) {
                normalise(face, image);
            }
            let images =
                Tensor::from_data(TensorData::new(images, [part.len(), 3, INPUT_SIDE, INPUT_SIDE]), &device);
            features.extend(floats(network.evaluate(&bound, images))?);
        }
        let row = |i: usize| &features[i * DIMENSION..(i + 1) * DIMENSION];
        let scored =
            |&(a, b, mated): &(usize, usize, bool)| Scored { score: similarity(row(a), row(b)), mated };
        Ok(verification(&self.pairs.iter().map(scored).collect::<Vec<_>>()))
    }
}

/// At most `most` faces of each identity, in order.
fn thinned(faces: &[Face], most: usize) -> impl Iterator<Item = &Face> {
    let mut taken: BTreeMap<Option<u32>, usize> = BTreeMap::new();
    faces.iter().filter(move |face| {
        let count = taken.entry(face.identity).or_default();
        *count += 1;
        *count <= most
    })
}

/// `count` mated and as many non-mated pairs, people in turn so that those with many pictures do not rule.
fn draw(people: &[Vec<usize>], count: usize) -> Vec<(usize, usize, bool)> {
    let mut rng = generator(&[PAIRS_SEED]);
    let mut pairs = Vec::with_capacity(2 * count);
    for i in 0..count {
        let person = &people[i % people.len()];
        let a = rng.usize(..person.len());
        let b = (a + rng.usize(1..person.len())) % person.len();
        pairs.push((person[a], person[b], true));
        let other = &people[(i % people.len() + rng.usize(1..people.len())) % people.len()];
        pairs.push((person[a], other[rng.usize(..other.len())], false));
    }
    pairs
}

fn similarity(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
}
