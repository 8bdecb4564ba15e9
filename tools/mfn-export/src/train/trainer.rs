//! A recogniser in training: forward, losses, backward.

use super::learning::{Learning, Pass, Report, State};
use super::objective::Objective;
use crate::arch::INPUT_SIDE;
use crate::data::Views;
use crate::device::Place;
#[cfg(feature = "torch")]
use crate::net::Card;
use crate::net::{Bound, Network, ParameterSet};
use crate::recipe::Recipe;
use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};

/// A network in training.
pub struct Trainer {
    network: Network,
    objective: Objective,
    device: Device,
    /// Runs the passes in the place of `network`.
    #[cfg(feature = "torch")]
    card: Option<Card>,
    learning: Learning,
}

impl Trainer {
    /// A trainer over this state; `total` images in the whole run, `epoch_len` an epoch.
    pub fn new(
        recipe: &Recipe,
        state: State,
        objective: Objective,
        place: Place,
        total: u64,
        epoch_len: u64,
    ) -> Result<Self> {
        let (architecture, precision) = (recipe.architecture(), recipe.train.precision);
        let device = place.open()?.autodiff();
        let network = Network::new(architecture, &state.set)?.in_precision(precision);
        #[cfg(feature = "torch")]
        let card = match place {
            Place::Cuda => Some(Card::new(architecture, &state.set, tch::Device::Cuda(0), precision)?),
            Place::Cpu | Place::Vulkan => None,
        };
        let (optimiser, schedule) = (recipe.optimiser.clone(), recipe.schedule.clone());
        let learning = Learning { optimiser, schedule, total, epoch_len, state };
        Ok(Self {
            network,
            objective,
            device,
            #[cfg(feature = "torch")]
            card,
            learning,
        })
    }

    /// Learns from one batch. On an error the weights are those of before the step.
    pub fn step(&mut self, views: &Views) -> Result<Report> {
        let steps = self.learning.state.moments.steps;
        let (network, objective, device) = (&self.network, &self.objective, &self.device);
        #[cfg(feature = "torch")]
        if let Some(card) = &self.card {
            let pass = |set: &ParameterSet| super::on_card::pass(card, objective, device, set, views, steps);
            return self.learning.step(views.identities.len() as u64, pass);
        }
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

    /// Where burn's part of it runs, examinations among that.
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
