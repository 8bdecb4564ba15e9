//! A pass with the network on a card: its features come to the losses on the CPU, their gradient goes back.

use super::learning::{Pass, Report};
use super::trainer::Passes;
use crate::arch::DIMENSION;
use crate::data::Views;
use crate::net::{Bound, Card, Forward, ParameterSet, floats};
use anyhow::{Context, Result};
use burn::tensor::{Tensor, TensorData};

impl Passes {
    pub(super) fn run_on(&self, card: &Card, set: &ParameterSet, views: &Views, steps: u64) -> Result<Pass> {
        let device = &self.device;
        let run = card.forward(set, &views.images)?;
        let shape = [views.identities.len(), DIMENSION];
        let features = Tensor::<2>::from_data(TensorData::new(run.features()?, shape), device).require_grad();
        let forward = Forward { features: features.clone(), stages: Vec::new(), statistics: Vec::new() };
        let bound = Bound::part(set, device, true, |place| !card.owns(place));
        let losses = self.objective.losses(&forward, &bound, views, steps)?;
        let mut back = losses.total.backward();
        let report = Report::of(losses.total, losses.parts)?;
        let towards = features.grad_remove(&mut back).context("the losses do not depend on the features")?;
        let mut gradients = bound.gradients(set, &mut back)?;
        let statistics = run.backward(&floats(towards)?, &mut gradients, device)?;
        Ok(Pass { report, gradients, statistics })
    }
}
