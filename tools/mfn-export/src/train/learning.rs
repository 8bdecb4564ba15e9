//! What every training step does around its forward and backward pass: rate, SAM, clipping, statistics,
//! optimiser, averaged weights.

use crate::net::{BatchStatistic, ParameterSet, floats};
use crate::optim::{Ascent, Moments, average, clip, rate, step};
use crate::recipe::{Optimiser, Schedule};
use anyhow::{Result, ensure};
use burn::tensor::Tensor;

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

impl State {
    /// The state of a run that begins with these weights.
    pub fn fresh(set: ParameterSet, optimiser: &Optimiser) -> Self {
        let averages = optimiser.average > 0.0;
        let averaged =
            if averages { set.list.iter().map(|p| p.values.clone()).collect() } else { Vec::new() };
        let moments = Moments::new(&set, optimiser.kind);
        Self { set, moments, averaged, seen: 0 }
    }

    /// The weights that are evaluated and shipped: averaged where there are such.
    pub fn best_weights(&self) -> ParameterSet {
        let mut set = self.set.clone();
        for (parameter, averaged) in set.list.iter_mut().zip(&self.averaged) {
            parameter.values.clone_from(averaged);
        }
        set
    }
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

impl Report {
    /// Reads the losses back from the device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn of(total: Tensor<1>, parts: Vec<(String, Tensor<1>)>) -> Result<Self> {
        let scalar = |t: Tensor<1>| Ok::<f32, anyhow::Error>(floats(t)?[0]);
        let loss = scalar(total.detach())?;
        let parts = parts.into_iter().map(|(name, t)| Ok((name, scalar(t)?))).collect::<Result<_>>()?;
        Ok(Self { loss, parts, gradient: 0.0, rate: 0.0 })
    }
}

/// What a forward and backward pass over one batch gives.
pub struct Pass {
    /// The losses.
    pub report: Report,
    /// One vector a parameter.
    pub gradients: Vec<Vec<f32>>,
    /// For the running statistics.
    pub statistics: Vec<BatchStatistic>,
}

/// A state and the rules by which it learns.
pub struct Learning {
    /// How gradients become steps.
    pub optimiser: Optimiser,
    /// How the learning rate goes over the run.
    pub schedule: Schedule,
    /// Images in the whole run.
    pub total: u64,
    /// Images an epoch.
    pub epoch_len: u64,
    /// All numbers that change.
    pub state: State,
}

impl Learning {
    /// Learns from a batch of `images`, which `pass` runs forward and backward at the weights it is given. On an
    /// error the weights are those of before the step.
    ///
    /// # Errors
    /// When a pass fails, or a loss or the gradient is not finite.
    pub fn step(&mut self, images: u64, pass: impl Fn(&ParameterSet) -> Result<Pass>) -> Result<Report> {
        let rate = rate(&self.schedule, self.state.seen, self.total, self.epoch_len);
        let learning_rate = self.optimiser.learning_rate * rate;
        let mut first = pass(&self.state.set)?;
        if self.optimiser.sam_rho > 0.0 {
            let ascent = Ascent::climb(&mut self.state.set, &first.gradients, self.optimiser.sam_rho);
            let second = pass(&self.state.set);
            ascent.descend(&mut self.state.set);
            first.gradients = second?.gradients;
        }
        let gradient = clip(&mut first.gradients, self.optimiser.clip);
        self.check(&first.report, gradient)?;
        for statistic in first.statistics {
            statistic.apply(&mut self.state.set, MOMENTUM)?;
        }
        let state = &mut self.state;
        step(&mut state.set, &first.gradients, &mut state.moments, &self.optimiser, learning_rate);
        if self.optimiser.average > 0.0 {
            let decay = self.average_decay();
            average(&mut self.state.averaged, &self.state.set, decay);
        }
        self.state.seen += images;
        Ok(Report { gradient, rate: learning_rate, ..first.report })
    }

    /// Early on the average follows faster, so that it does not remember the random weights.
    fn average_decay(&self) -> f64 {
        let steps = self.state.moments.steps as f64;
        self.optimiser.average.min(steps / (steps + 10.0))
    }

    fn check(&self, report: &Report, gradient: f64) -> Result<()> {
        let step = self.state.moments.steps + 1;
        const HELP: &str = "a smaller learning rate or optimiser.clip may help";
        for (name, value) in &report.parts {
            ensure!(value.is_finite(), "step {step}: the loss `{name}` is {value}; {HELP}");
        }
        let loss = report.loss;
        ensure!(
            gradient.is_finite(),
            "step {step}: the gradient's length is {gradient} at loss {loss}; {HELP}"
        );
        Ok(())
    }
}
