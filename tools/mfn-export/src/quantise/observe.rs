//! What the activations of a network are like on pictures.

use super::emit::{Form, emit};
use super::network::Network;
use anyhow::{Context, Result, anyhow};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tract_onnx::prelude::*;

/// Values that are kept of each tensor and face, as many of each channel.
const SAMPLE: usize = 2048;
/// One face in this many reaches beyond the range of a channel.
const BEYOND: usize = 50;

/// What was seen of one tensor.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The least and the greatest value.
    pub ends: [f32; 2],
    /// Mean, by channel.
    pub mean: Vec<f64>,
    /// The largest size of a value, by channel and face.
    pub peaks: Vec<Vec<f32>>,
    /// Values picked at random, by channel.
    pub sample: Vec<Vec<f32>>,
}

/// By name of the tensor.
pub type SeenTensors = HashMap<String, Seen>;

/// What a network is looked at with.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    /// Height and width of all.
    pub size: [usize; 2],
    /// Each normalised, `[3, height, width]`.
    pub values: &'a [Vec<f32>],
    /// On so many threads.
    pub threads: usize,
    /// Called after each picture.
    pub done: &'a (dyn Fn() + Sync),
}

/// Runs the float network on pictures and looks at the outputs of its last layers and every map that a layer
/// reads.
///
/// # Errors
/// When the runtime does not take the network.
pub fn observe(network: &Network, pictures: Pictures) -> Result<SeenTensors> {
    let read = network.layers().map(|layer| network.map(layer));
    let mut names: Vec<&str> = read.chain(last_outputs(network)).collect();
    names.sort_unstable();
    names.dedup();
    look(&emit(network, &Form::Float), &names, pictures)
}

/// The outputs of the last layers in a file that was made of the network.
///
/// # Errors
/// When the runtime does not take the file.
pub fn observe_last(onnx: &[u8], network: &Network, pictures: Pictures) -> Result<SeenTensors> {
    look(onnx, &last_outputs(network).collect::<Vec<_>>(), pictures)
}

fn last_outputs(network: &Network) -> impl Iterator<Item = &str> {
    network.layers().filter(|layer| network.is_last(layer)).map(|layer| layer.out.as_str())
}

fn look(onnx: &[u8], names: &[&str], pictures: Pictures) -> Result<SeenTensors> {
    let Pictures { size, values: crops, threads, done } = pictures;
    let plan = plan(onnx, names, size).map_err(|e| anyhow!("the network cannot be run: {e:#}"))?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<Seen>> {
        let mut seen = vec![Seen::default(); names.len()];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(crop) = crops.get(number) else { return Ok(seen) };
            see(&plan, (size, crop), &mut fastrand::Rng::with_seed(number as u64), &mut seen)?;
            done();
        }
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let join = |w: std::thread::ScopedJoinHandle<'_, Result<Vec<Seen>>>| {
            w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let mut all = vec![Seen::default(); names.len()];
    parts.into_iter().for_each(|part| all.iter_mut().zip(part).for_each(|(a, b)| a.merge(b)));
    let per_face = 1.0 / crops.len().max(1) as f64;
    all.iter_mut().flat_map(|seen| &mut seen.mean).for_each(|m| *m *= per_face);
    Ok(names.iter().map(ToString::to_string).zip(all).collect())
}

fn see(
    plan: &Arc<TypedRunnableModel>,
    ([height, width], crop): ([usize; 2], &[f32]),
    rng: &mut fastrand::Rng,
    seen: &mut [Seen],
) -> Result<()> {
    let input = Tensor::from_shape(&[1, 3, height, width], crop)?;
    let outputs = plan.run(tvec!(input.into()))?;
    for (seen, output) in seen.iter_mut().zip(&outputs) {
        let values = output.try_as_plain_ram()?.as_slice::<f32>()?;
        seen.add(values, *output.shape().get(1).context("a tensor has no channels")?, rng);
    }
    Ok(())
}

fn plan(onnx: &[u8], names: &[&str], [height, width]: [usize; 2]) -> Result<Arc<TypedRunnableModel>> {
    let mut model = tract_onnx::onnx().model_for_read(&mut &onnx[..])?;
    model.set_input_fact(0, f32::fact([1, 3, height, width]).into())?;
    let find = |name: &&str| model.node_id_by_name(name).map(|id| OutletId::new(id, 0));
    let outlets = names.iter().map(find).collect::<Result<Vec<_>>>()?;
    model.select_output_outlets(&outlets)?;
    model.into_optimized()?.into_runnable()
}

impl Seen {
    /// How far the values of each channel reach from zero on all but a few faces.
    pub fn ranges(&self) -> Vec<f32> {
        let range = |peaks: &Vec<f32>| {
            let mut peaks = peaks.clone();
            peaks.sort_unstable_by(|a, b| b.total_cmp(a));
            peaks.get(peaks.len() / BEYOND).copied().unwrap_or(0.0)
        };
        self.peaks.iter().map(range).collect()
    }

    /// One face's `[1, channels, ...]`.
    fn add(&mut self, values: &[f32], channels: usize, rng: &mut fastrand::Rng) {
        self.mean.resize(channels, 0.0);
        self.peaks.resize(channels, Vec::new());
        self.sample.resize(channels, Vec::new());
        let plane = (values.len() / channels.max(1)).max(1);
        let kept = SAMPLE.div_ceil(channels.max(1));
        let kinds = self.mean.iter_mut().zip(&mut self.peaks).zip(&mut self.sample);
        for (map, ((mean, peaks), sample)) in values.chunks_exact(plane).zip(kinds) {
            peaks.push(map.iter().fold(0.0, |m, x| m.max(x.abs())));
            self.ends = map.iter().fold(self.ends, |[low, high], x| [low.min(*x), high.max(*x)]);
            *mean += map.iter().map(|x| f64::from(*x)).sum::<f64>() / plane as f64;
            if plane <= kept {
                sample.extend_from_slice(map);
            } else {
                sample.extend((0..kept).map(|_| map[rng.usize(..plane)]));
            }
        }
    }

    /// Adds what another worker saw; means are still sums.
    fn merge(&mut self, other: Seen) {
        if self.mean.is_empty() {
            *self = other;
            return;
        }
        self.mean.iter_mut().zip(other.mean).for_each(|(a, b)| *a += b);
        self.ends = [self.ends[0].min(other.ends[0]), self.ends[1].max(other.ends[1])];
        let lists = self.peaks.iter_mut().zip(other.peaks).chain(self.sample.iter_mut().zip(other.sample));
        lists.for_each(|(a, b)| a.extend(b));
    }
}
