//! A recogniser in training: forward, losses, backward.

use super::learning::{Learning, Pass, Report, State};
use super::objective::Objective;
use crate::arch::INPUT_SIDE;
use crate::data::Views;
use crate::net::{Bound, Network, ParameterSet};
use crate::recipe::Recipe;
use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};

/// A network in training.
pub struct Trainer {
    network: Network,
    objective: Objective,
    device: Device,
    learning: Learning,
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
        let network = Network::new(recipe.architecture(), &state.set)?.in_precision(recipe.train.precision);
        let (optimiser, schedule) = (recipe.optimiser.clone(), recipe.schedule.clone());
        let learning = Learning { optimiser, schedule, total, epoch_len, state };
        Ok(Self { network, objective, device, learning })
    }

    /// Learns from one batch. On an error the weights are those of before the step.
    pub fn step(&mut self, views: &Views) -> Result<Report> {
        let steps = self.learning.state.moments.steps;
        let (network, objective, device) = (&self.network, &self.objective, &self.device);
        let pass = |set: &ParameterSet| pass(network, objective, device, set, views, steps);
        self.learning.step(views.identities.len() as u64, pass)
    }

    /// All numbers that change.
    pub fn state(&self) -> &State {
        &self.learning.state
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

/// Forward and backward without changing anything.
fn pass(
    network: &Network,
    objective: &Objective,
    device: &Device,
    set: &ParameterSet,
    views: &Views,
    steps: u64,
) -> Result<Pass> {
    let bound = Bound::new(set, device, true);
    let shape = [views.identities.len(), 3, INPUT_SIDE, INPUT_SIDE];
    let images = Tensor::from_data(TensorData::new(views.images.clone(), shape), device);
    let forward = network.train(&bound, images, &objective.stages);
    let losses = objective.losses(&forward, &bound, views, steps)?;
    let mut gradients = losses.total.backward();
    let statistics = forward.statistics;
    let report = Report::of(losses.total, losses.parts)?;
    let gradients = bound.gradients(set, &mut gradients)?;
    Ok(Pass { report, gradients, statistics })
}
