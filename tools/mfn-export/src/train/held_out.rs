//! Verification for choosing checkpoints: on benchmarks, as the paper chooses its V1 and V2, or on the identities that
//! a recipe holds out.

use crate::arch::{DIMENSION, INPUT_SIDE};
use crate::data::{Dataset, Face, decode, generator, normalise};
use crate::evaluate::packed_pairs;
use crate::metrics::{Scored, Verification, verification};
use crate::net::{Bound, Network, ParameterSet, floats};
use crate::recipe::{Data, HeldOut};
use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use mfn_template::Template;
use std::collections::BTreeMap;
use std::path::Path;

/// Faces embedded at once.
const BATCH: usize = 32;
/// The pairs are the same for every seed of training, so that runs can be compared.
const PAIRS_SEED: u64 = 20_171_010;

/// Pairs to be told apart.
pub struct Examination(Vec<Sheet>);

/// One set of pairs.
struct Sheet {
    /// Encoded crops.
    faces: Vec<Vec<u8>>,
    pairs: Vec<(usize, usize, bool)>,
}

impl Examination {
    /// Opens the benchmarks that the recipe chooses by; where it names none, draws pairs of the held-out identities,
    /// and gives `None` where fewer than two with two pictures are held out.
    pub fn prepare(dataset: &Dataset, data: &Data) -> Result<Option<Self>> {
        if data.choose_by.is_empty() {
            return Ok(Sheet::held_out(dataset, &data.held_out)?.map(|sheet| Self(vec![sheet])));
        }
        let sheets = data.choose_by.iter().map(|file| Sheet::packed(&Path::new(&data.root).join(file)));
        Ok(Some(Self(sheets.collect::<Result<_>>()?)))
    }

    /// How many faces it looks at.
    pub fn faces(&self) -> usize {
        self.0.iter().map(|sheet| sheet.faces.len()).sum()
    }

    /// The figures of a network with these weights, the mean of all sets; `None` when a score is not a number.
    pub fn examine(
        &self,
        network: &Network,
        set: &ParameterSet,
        device: &Device,
    ) -> Result<Option<Verification>> {
        let device = device.clone().without_autodiff();
        let bound = Bound::new(set, &device, false);
        let figures = self.0.iter().map(|sheet| sheet.examine(network, &bound, &device));
        let figures: Option<Vec<Verification>> = figures.collect::<Result<_>>()?;
        Ok(figures.as_deref().and_then(mean))
    }
}

/// Rates and means of sets that count alike; numbers of pairs are added up.
fn mean(figures: &[Verification]) -> Option<Verification> {
    let count = figures.len() as f64;
    let of = |value: fn(&Verification) -> f64| figures.iter().map(value).sum::<f64>() / count;
    (!figures.is_empty()).then(|| Verification {
        mated: figures.iter().map(|f| f.mated).sum(),
        non_mated: figures.iter().map(|f| f.non_mated).sum(),
        mated_mean: of(|f| f.mated_mean.into()) as f32,
        non_mated_mean: of(|f| f.non_mated_mean.into()) as f32,
        error: of(|f| f.error),
        threshold: of(|f| f.threshold.into()) as f32,
        tar_at_far_1e2: of(|f| f.tar_at_far_1e2),
        tar_at_far_1e3: of(|f| f.tar_at_far_1e3),
    })
}

impl Sheet {
    fn held_out(dataset: &Dataset, rule: &HeldOut) -> Result<Option<Self>> {
        let mut people: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut faces = Vec::new();
        for face in thinned(&dataset.held_out, rule.most_images) {
            let mut bytes = Vec::new();
            dataset.read(face, &mut bytes)?;
            if let (Ok(_), Some(identity)) = (decode(&bytes), face.identity) {
                people.entry(identity).or_default().push(faces.len());
                faces.push(bytes);
            }
        }
        let people: Vec<Vec<usize>> = people.into_values().filter(|p| p.len() >= 2).collect();
        Ok((people.len() >= 2).then(|| Self { faces, pairs: draw(&people, rule.pairs) }))
    }

    /// InsightFace's `.bin`: aligned crops in pairs.
    fn packed(path: &Path) -> Result<Self> {
        let within = || format!("data {}: it cannot be chosen by", path.display());
        let (faces, mated) = packed_pairs(path).with_context(within)?;
        // All are looked at before hours of training, not after.
        faces.iter().try_for_each(|face| decode(face).map(drop)).with_context(within)?;
        Ok(Self { faces, pairs: mated.into_iter().enumerate().map(|(i, m)| (2 * i, 2 * i + 1, m)).collect() })
    }

    fn examine(&self, network: &Network, bound: &Bound, device: &Device) -> Result<Option<Verification>> {
        let mut templates = Vec::with_capacity(self.faces.len());
        for part in self.faces.chunks(BATCH) {
            let len = 3 * INPUT_SIDE * INPUT_SIDE;
            let mut images = vec![0.0; part.len() * len];
            for (face, image) in part.iter().zip(images.chunks_exact_mut(len)) {
                normalise(decode(face)?.as_raw(), image);
            }
            let images =
                Tensor::from_data(TensorData::new(images, [part.len(), 3, INPUT_SIDE, INPUT_SIDE]), device);
            for features in floats(network.evaluate(bound, images))?.chunks_exact(DIMENSION) {
                // Features that are no numbers have no direction.
                let Ok(template) = Template::normalise(features) else { return Ok(None) };
                templates.push(template);
            }
        }
        let scored = |&(a, b, mated): &(usize, usize, bool)| {
            let (a, b): (&Template, &Template) = (&templates[a], &templates[b]);
            Scored { score: a.similarity(b), mated }
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_count_alike_whatever_their_size() {
        let one = |mated, error| Verification {
            mated,
            non_mated: mated,
            mated_mean: 0.5,
            non_mated_mean: 0.1,
            error,
            threshold: 0.3,
            tar_at_far_1e2: 0.9,
            tar_at_far_1e3: 0.8,
        };
        let both = mean(&[one(10, 0.1), one(3000, 0.3)]).unwrap();
        assert!((both.error - 0.2).abs() < 1e-12 && both.mated == 3010);
        assert_eq!(mean(&[]), None);
    }
}
