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
    passes: Passes,
    learning: Learning,
}

/// What runs forward and backward without changing anything.
pub(super) struct Passes {
    network: Network,
    pub objective: Objective,
    /// Burn's: of the losses and examinations, and of the network without a card.
    pub device: Device,
    /// Runs the network's part in the place of `network`.
    #[cfg(feature = "torch")]
    card: Option<Card>,
}

impl Trainer {
    /// A trainer over this state on burn's `device` of that place; `total` images in the whole run, `epoch_len` an
    /// epoch.
    pub fn new(
        recipe: &Recipe,
        state: State,
        objective: Objective,
        (place, device): (Place, Device),
        total: u64,
        epoch_len: u64,
    ) -> Result<Self> {
        let passes = Passes::new(recipe, &state.set, objective, place, device.autodiff())?;
        let (optimiser, schedule) = (recipe.optimiser.clone(), recipe.schedule.clone());
        Ok(Self { passes, learning: Learning { optimiser, schedule, total, epoch_len, state } })
    }

    /// Learns from one batch. On an error the weights are those of before the step.
    pub fn step(&mut self, views: &Views) -> Result<Report> {
        let (passes, steps) = (&self.passes, self.learning.state.moments.steps);
        self.learning.step(views.identities.len() as u64, |set| passes.run(set, views, steps))
    }

    /// All numbers that change.
    pub fn state(&self) -> &State {
        &self.learning.state
    }

    /// The network's structure.
    pub fn network(&self) -> &Network {
        &self.passes.network
    }

    /// Where burn's part of it runs, examinations among that.
    pub fn device(&self) -> &Device {
        &self.passes.device
    }
}

impl Passes {
    #[cfg_attr(not(feature = "torch"), expect(unused_variables))]
    fn new(
        recipe: &Recipe,
        set: &ParameterSet,
        objective: Objective,
        place: Place,
        device: Device,
    ) -> Result<Self> {
        let (architecture, precision) = (recipe.architecture(), recipe.train.precision);
        Ok(Self {
            network: Network::new(architecture, set)?.in_precision(precision),
            objective,
            device,
            #[cfg(feature = "torch")]
            card: match place {
                Place::Cuda => Some(Card::new(architecture, set, tch::Device::Cuda(0), precision)?),
                Place::Cpu | Place::Vulkan => None,
            },
        })
    }

    fn run(&self, set: &ParameterSet, views: &Views, steps: u64) -> Result<Pass> {
        #[cfg(feature = "torch")]
        if let Some(card) = &self.card {
            return self.run_on(card, set, views, steps);
        }
        let bound = Bound::new(set, &self.device, true);
        let shape = [views.identities.len(), 3, INPUT_SIDE, INPUT_SIDE];
        let images = Tensor::from_data(TensorData::new(views.images.clone(), shape), &self.device);
        let forward = self.network.train(&bound, images, &self.objective.stages);
        let losses = self.objective.losses(&forward, &bound, views, steps)?;
        let mut gradients = losses.total.backward();
        let statistics = forward.statistics;
        let report = Report::of(losses.total, losses.parts)?;
        let gradients = bound.gradients(set, &mut gradients)?;
        Ok(Pass { report, gradients, statistics })
    }
}
