//! One step of SGD or AdamW, the limit on the gradient's length, and averaged weights.

use crate::net::{Parameter, ParameterSet, Role};
use crate::recipe::{Optimiser, OptimiserKind};
use rayon::prelude::*;

/// AdamW's decay of the first moments, and what keeps its division finite (Loshchilov and Hutter 2019).
const BETA1: f64 = 0.9;
const EPSILON: f64 = 1e-8;

/// What an optimiser remembers between steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Steps done.
    pub steps: u64,
    /// SGD's velocity or AdamW's first moments, one vector a parameter.
    pub first: Vec<Vec<f32>>,
    /// AdamW's second moments; empty with SGD.
    pub second: Vec<Vec<f32>>,
}

impl Moments {
    /// Nothing remembered yet.
    pub fn new(set: &ParameterSet, kind: OptimiserKind) -> Self {
        let zeros = || -> Vec<Vec<f32>> {
            let len = |p: &crate::net::Parameter| if p.role == Role::Statistic { 0 } else { p.values.len() };
            set.list.iter().map(|p| vec![0.0; len(p)]).collect()
        };
        let second = if kind == OptimiserKind::AdamW { zeros() } else { Vec::new() };
        Self { steps: 0, first: zeros(), second }
    }
}

/// Moves every trained parameter against its gradient at this learning rate.
pub fn step(
    set: &mut ParameterSet,
    gradients: &[Vec<f32>],
    moments: &mut Moments,
    how: &Optimiser,
    rate: f64,
) {
    moments.steps += 1;
    let steps = moments.steps;
    let decay = |p: &Parameter| if p.role == Role::Weight { how.weight_decay } else { 0.0 };
    let trained = |p: &Parameter| p.role != Role::Statistic;
    let (list, first) = (&mut set.list, &mut moments.first);
    match how.kind {
        OptimiserKind::Sgd => {
            let all = (list, gradients, first).into_par_iter().filter(|(p, ..)| trained(p));
            all.for_each(|(p, g, m)| {
                let decay = decay(p);
                sgd(&mut p.values, g, m, how.momentum, decay, rate);
            });
        }
        OptimiserKind::AdamW => {
            let all = (list, gradients, first, &mut moments.second).into_par_iter();
            all.filter(|(p, ..)| trained(p)).for_each(|(p, g, m, v)| {
                let decay = decay(p);
                adamw(&mut p.values, g, (m, v), (how.beta2, decay, rate), steps);
            });
        }
    }
}

/// PyTorch's SGD with dampening 0: v = momentum v + g + decay w; w -= rate v.
fn sgd(values: &mut [f32], gradient: &[f32], velocity: &mut [f32], momentum: f64, decay: f64, rate: f64) {
    let (momentum, decay, rate) = (momentum as f32, decay as f32, rate as f32);
    for ((w, g), v) in values.iter_mut().zip(gradient).zip(velocity) {
        *v = momentum * *v + g + decay * *w;
        *w -= rate * *v;
    }
}

/// PyTorch's AdamW.
fn adamw(
    values: &mut [f32],
    gradient: &[f32],
    (first, second): (&mut [f32], &mut [f32]),
    (beta2, decay, rate): (f64, f64, f64),
    steps: u64,
) {
    let (mean, square) = (1.0 - BETA1.powf(steps as f64), 1.0 - beta2.powf(steps as f64));
    let keep = (1.0 - rate * decay) as f32;
    let (size, root, epsilon) = ((rate / mean) as f32, square.sqrt() as f32, EPSILON as f32);
    let (b1, b2) = (BETA1 as f32, beta2 as f32);
    for (((w, g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
        *m = b1 * *m + (1.0 - b1) * g;
        *v = b2 * *v + (1.0 - b2) * g * g;
        *w = keep * *w - size * *m / (v.sqrt() / root + epsilon);
    }
}

/// Length of the whole gradient.
pub fn length(gradients: &[Vec<f32>]) -> f64 {
    let square = |g: &Vec<f32>| g.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
    let squares: Vec<f64> = gradients.par_iter().map(square).collect();
    squares.iter().sum::<f64>().sqrt()
}

/// Shortens the whole gradient to at most `limit` (0 is no limit); returns its length before.
pub fn clip(gradients: &mut [Vec<f32>], limit: f64) -> f64 {
    let length = length(gradients);
    if limit > 0.0 && length > limit {
        let factor = (limit / length) as f32;
        gradients.iter_mut().flatten().for_each(|g| *g *= factor);
    }
    length
}

/// Moves the averaged weights (and statistics) towards the current ones; `decay` is the share that stays.
pub fn average(averaged: &mut [Vec<f32>], set: &ParameterSet, decay: f64) {
    let share = (1.0 - decay) as f32;
    averaged.par_iter_mut().zip(&set.list).for_each(|(mean, parameter)| {
        for (mean, value) in mean.iter_mut().zip(&parameter.values) {
            *mean += share * (value - *mean);
        }
    });
}
