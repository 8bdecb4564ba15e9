//! One training step: forward, losses, backward, optimiser.

use super::objective::{Losses, Objective};
use crate::arch::INPUT_SIDE;
use crate::data::Views;
use crate::net::{BatchStatistic, Bound, Network, ParameterSet, floats};
use crate::optim::{Ascent, Moments, average, clip, rate, step};
use crate::recipe::Recipe;
use anyhow::{Result, bail};
use burn::tensor::{Device, Tensor, TensorData};

/// Share of a batch's statistics in the running ones, as PyTorch's default.
const MOMENTUM: f32 = 0.1;

/// All numbers that change during a run.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Weights, adapters and running statistics.
    pub set: ParameterSet,
    /// What the optimiser remembers.
    pub moments: Moments,
    /// Averaged weights, one vector a parameter; empty without averaging.
    pub averaged: Vec<Vec<f32>>,
    /// Images seen.
    pub seen: u64,
}

/// What a step had to say.
#[derive(Clone, Debug)]
pub struct Report {
    /// The weighted sum of losses.
    pub loss: f32,
    /// Each loss by name.
    pub parts: Vec<(String, f32)>,
    /// Length of the whole gradient before clipping.
    pub gradient: f64,
    /// Learning rate.
    pub rate: f64,
}

/// A network in training.
pub struct Trainer {
    recipe: Recipe,
    network: Network,
    objective: Objective,
    device: Device,
    total: u64,
    epoch_len: u64,
    /// All numbers that change.
    pub state: State,
}

struct Pass {
    report: Report,
    gradients: Vec<Vec<f32>>,
    statistics: Vec<BatchStatistic>,
}

impl Trainer {
    /// A trainer over this state; `total` images in the whole run, `epoch_len` an epoch.
    pub fn new(
        recipe: &Recipe,
        state: State,
        objective: Objective,
        device: Device,
        total: u64,
        epoch_len: u64,
    ) -> Result<Self> {
        let network = Network::new(recipe.architecture(), &state.set)?;
        Ok(Self { recipe: recipe.clone(), network, objective, device, total, epoch_len, state })
    }

    /// Learns from one batch. On an error the weights are those of before the step.
    pub fn step(&mut self, views: &Views) -> Result<Report> {
        let optimiser = self.recipe.optimiser.clone();
        let rate = rate(&self.recipe.schedule, self.state.seen, self.total, self.epoch_len);
        let learning_rate = optimiser.learning_rate * rate;
        let mut pass = self.pass(views)?;
        if optimiser.sam_rho > 0.0 {
            let ascent = Ascent::climb(&mut self.state.set, &pass.gradients, optimiser.sam_rho);
            let second = self.pass(views);
            ascent.descend(&mut self.state.set);
            pass.gradients = second?.gradients;
        }
        let gradient = clip(&mut pass.gradients, optimiser.clip);
        self.check(&pass.report, gradient)?;
        for statistic in pass.statistics {
            statistic.apply(&mut self.state.set, MOMENTUM)?;
        }
        step(&mut self.state.set, &pass.gradients, &mut self.state.moments, &optimiser, learning_rate);
        if optimiser.average > 0.0 {
            let decay = self.average_decay();
            average(&mut self.state.averaged, &self.state.set, decay);
        }
        self.state.seen += views.identities.len() as u64;
        Ok(Report { gradient, rate: learning_rate, ..pass.report })
    }

    /// Forward and backward without changing anything.
    fn pass(&self, views: &Views) -> Result<Pass> {
        let bound = Bound::new(&self.state.set, &self.device, true);
        let shape = [views.identities.len(), 3, INPUT_SIDE, INPUT_SIDE];
        let images = Tensor::from_data(TensorData::new(views.images.clone(), shape), &self.device);
        let forward = self.network.train(&bound, images, &self.objective.stages);
        let losses = self.objective.losses(&forward, &bound, views, self.state.moments.steps)?;
        let mut gradients = losses.total.backward();
        let statistics = forward.statistics;
        let report = report(losses)?;
        let gradients = bound.gradients(&self.state.set, &mut gradients)?;
        Ok(Pass { report, gradients, statistics })
    }

    /// Early on the average follows faster, so that it does not remember the random weights.
    fn average_decay(&self) -> f64 {
        let steps = self.state.moments.steps as f64;
        self.recipe.optimiser.average.min(steps / (steps + 10.0))
    }

    fn check(&self, report: &Report, gradient: f64) -> Result<()> {
        let step = self.state.moments.steps + 1;
        for (name, value) in &report.parts {
            if !value.is_finite() {
                bail!(
                    "step {step}: the loss `{name}` is {value}; a smaller learning rate or optimiser.clip may help"
                );
            }
        }
        if !gradient.is_finite() {
            bail!("step {step}: the gradient's length is {gradient} at loss {}", report.loss);
        }
        Ok(())
    }

    /// The weights that are evaluated and shipped: averaged where there are such.
    pub fn best_weights(&self) -> ParameterSet {
        let mut set = self.state.set.clone();
        for (parameter, averaged) in set.list.iter_mut().zip(&self.state.averaged) {
            parameter.values.clone_from(averaged);
        }
        set
    }

    /// The network's structure.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

fn report(losses: Losses) -> Result<Report> {
    let scalar = |t: Tensor<1>| Ok::<f32, anyhow::Error>(floats(t)?[0]);
    let loss = scalar(losses.total.detach())?;
    let parts = losses.parts.into_iter().map(|(name, t)| Ok((name, scalar(t)?))).collect::<Result<_>>()?;
    Ok(Report { loss, parts, gradient: 0.0, rate: 0.0 })
}
