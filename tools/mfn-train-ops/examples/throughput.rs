//! Training throughput of the whole network: forward, backward and one step of AdamW, over noise.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo run --release -p mfn-train-ops --example throughput -- 1 32 10 mixed
//! ```
//! Arguments: scale (1 or 2), batch, timed steps, precision (`single`, or `mixed` as recipes have it). Prints one line of
//! JSON: images a CPU-second (best and median step) and the peak resident memory. `yardstick.py` beside it runs this and
//! PyTorch's eager mode in turns.

use burn::module::{Module, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor, activation::log_softmax};
use mfn_train_ops::{Conv, Layer, UnsupportedConv, chain, flatten};
use std::time::Duration;

/// Classes of the head, as in the measurement of PyTorch.
const CLASSES: usize = 1000;

#[derive(Module, Debug)]
struct Parameters {
    weight: Param<Tensor<4>>,
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    slope: Option<Param<Tensor<1>>>,
}

#[derive(Module, Debug)]
struct Network {
    layers: Vec<Parameters>,
    embedding: Param<Tensor<2>>,
    classes: Param<Tensor<2>>,
}

/// A chain's layers, each with whether it is activated, and whether the chain is residual.
type ChainPlan = (Vec<(Conv, bool)>, bool);

fn plan(scale: usize) -> Result<Vec<ChainPlan>, UnsupportedConv> {
    let c = 64 * scale;
    let stem = vec![(Conv::stem(c)?, true), (Conv::grouped(c, 64)?, true)];
    let mut chains = vec![(stem, false)];
    let mut inputs = c;
    let stages = [
        (c, 128, 1, 2),
        (c, 128, 4, 1),
        (2 * c, 256, 1, 2),
        (2 * c, 256, 6, 1),
        (2 * c, 512, 1, 2),
        (2 * c, 256, 2, 1),
    ];
    for (outputs, expansion, repeat, stride) in stages {
        for _ in 0..repeat {
            let layers = vec![
                (Conv::pointwise(inputs, expansion)?, true),
                (Conv::depthwise(expansion, stride)?, true),
                (Conv::pointwise(expansion, outputs)?, false),
            ];
            chains.push((layers, stride == 1));
            inputs = outputs;
        }
    }
    chains.push((vec![(Conv::pointwise(inputs, 512)?, true), (Conv::global(512)?, false)], false));
    Ok(chains)
}

impl Network {
    fn new(plan: &[ChainPlan], device: &Device) -> Self {
        let noise = |fan_in: usize| Distribution::Normal(0.0, (2.0 / fan_in as f64).sqrt());
        let parameters = |&(conv, activation): &(Conv, bool)| {
            let shape = conv.weight_shape();
            let n = conv.outputs();
            Parameters {
                weight: Param::from_tensor(Tensor::random(
                    shape,
                    noise(shape[1] * shape[2] * shape[3]),
                    device,
                )),
                gamma: Param::from_tensor(Tensor::ones([n], device)),
                beta: Param::from_tensor(Tensor::zeros([n], device)),
                slope: activation.then(|| Param::from_tensor(Tensor::full([n], 0.25, device))),
            }
        };
        Self {
            layers: plan.iter().flat_map(|(layers, _)| layers).map(parameters).collect(),
            embedding: Param::from_tensor(Tensor::random([512, 512], noise(512), device)),
            classes: Param::from_tensor(Tensor::random([512, CLASSES], noise(512), device)),
        }
    }

    /// Mean cross-entropy of a batch whose image i is of class i.
    fn loss(&self, plan: &[ChainPlan], images: Tensor<4>) -> Tensor<1> {
        let batch = images.dims()[0];
        let mut parameters = self.layers.iter();
        let mut layers = |chain: &ChainPlan| {
            let layer = |&(conv, _): &(Conv, bool)| {
                let p = parameters.next().expect("parameters for every layer");
                let slope = p.slope.as_ref().map(Param::val);
                Layer { conv, weight: p.weight.val(), gamma: p.gamma.val(), beta: p.beta.val(), slope }
            };
            chain.0.iter().map(layer).collect::<Vec<_>>()
        };
        let mut x = chain(images, &layers(&plan[0]), plan[0].1).features;
        for step in &plan[1..] {
            x = chain(x, &layers(step), step.1).features;
        }
        let x = flatten(x).matmul(self.embedding.val());
        let centred = x.clone() - x.mean_dim(0);
        let x = centred.clone() / ((centred.clone() * centred).mean_dim(0) + 1e-5).sqrt();
        let logits = log_softmax(x.matmul(self.classes.val()), 1);
        let own = Tensor::<2>::eye(CLASSES, &logits.device()).slice([0..batch, 0..CLASSES]);
        (logits * own).sum() / -(batch as f64)
    }
}

/// CPU time of all threads of this process.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn main() -> Result<(), UnsupportedConv> {
    let argument =
        |i: usize, default: usize| std::env::args().nth(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (scale, batch, steps) = (argument(1, 1), argument(2, 32), argument(3, 10));
    let device = Device::flex().autodiff();
    let mut plan = plan(scale)?;
    if std::env::args().nth(4).is_some_and(|precision| precision == "mixed") {
        plan.iter_mut().flat_map(|(layers, _)| layers).for_each(|(conv, _)| *conv = conv.mixed());
    }
    let mut network = Network::new(&plan, &device);
    let mut optimiser = AdamWConfig::new().init();
    let images = Tensor::<4>::random([batch, 3, 112, 112], Distribution::Uniform(-1.0, 1.0), &device);
    let mut rates = Vec::new();
    let (mut first, mut last) = (None, 0.0);
    for step in 0..steps + 2 {
        let start = cpu_time();
        let loss = network.loss(&plan, images.clone());
        last = loss.clone().into_scalar::<f32>();
        first.get_or_insert(last);
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        network = optimiser.step(1e-3, network, grads);
        if step >= 2 {
            rates.push(batch as f64 / (cpu_time() - start).as_secs_f64());
        }
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "{{\"scale\": {scale}, \"batch\": {batch}, \"best\": {:.1}, \"median\": {:.1}, \"peak_mb\": {}, \"loss\": [{:.3}, {last:.3}]}}",
        rates[rates.len() - 1],
        rates[rates.len() / 2],
        peak_megabytes(),
        first.unwrap_or(0.0),
    );
    Ok(())
}
