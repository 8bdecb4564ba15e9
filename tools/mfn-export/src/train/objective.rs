//! The sum of losses that a recipe asks for, with the parameters that only they use.

use crate::arch::DIMENSION;
use crate::data::{Views, generator};
use crate::loss::{cosine, hint, margin, normalise, pairwise, sample_centres};
use crate::net::{Bound, Forward, Parameter, ParameterSet};
use crate::recipe::{Margin, Recipe};
use crate::teacher::{HintShape, Lesson};
use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Int, Tensor, TensorData};
use fastrand::Rng;

/// The losses of a run.
pub struct Objective {
    cosine: f32,
    pairwise: f32,
    hints: Vec<HintLoss>,
    margin: Option<MarginLoss>,
    /// Stages of the student that the hints look at.
    pub stages: Vec<String>,
}

/// One hint with the places of its adapter.
struct HintLoss {
    name: String,
    weight: f32,
    adapter: usize,
    bias: usize,
    shape: HintShape,
}

/// The margin loss with the place of its class centres.
struct MarginLoss {
    how: Margin,
    centres: usize,
    classes: usize,
    seed: u64,
}

/// The losses of one batch.
pub struct Losses {
    /// The weighted sum.
    pub total: Tensor<1>,
    /// Each part by name, unweighted.
    pub parts: Vec<(String, Tensor<1>)>,
}

impl Objective {
    /// Appends fresh adapters and class centres to the network's parameters.
    pub fn extend(
        set: &mut ParameterSet,
        recipe: &Recipe,
        hints: &[HintShape],
        classes: usize,
        rng: &mut Rng,
    ) {
        let layers = recipe.architecture().layers();
        for (hint, shape) in recipe.teacher.iter().flat_map(|t| &t.hints).zip(hints) {
            let channels = layers.iter().rfind(|l| l.name.starts_with(&hint.stage)).map_or(0, |l| l.outputs);
            let deviation = (1.0 / channels as f32).sqrt();
            let name = |part: &str| format!("hint.{}.{part}", hint.stage);
            set.list.push(Parameter::normal(name("weight"), &[channels, shape.channels], deviation, rng));
            set.list.push(Parameter::bias(name("bias"), shape.channels));
        }
        if recipe.margin.is_some() {
            set.list.push(Parameter::normal("centres".into(), &[classes, DIMENSION], 0.01, rng));
        }
    }

    /// Finds the adapters in the parameters.
    pub fn new(recipe: &Recipe, set: &ParameterSet, hints: &[HintShape]) -> Result<Self> {
        let place = |name: String| set.place(&name).with_context(|| format!("parameter {name} is missing"));
        let asked: Vec<_> = recipe.teacher.iter().flat_map(|t| &t.hints).collect();
        let mut losses = Vec::new();
        for (hint, shape) in asked.iter().zip(hints) {
            losses.push(HintLoss {
                name: hint.stage.clone(),
                weight: hint.weight,
                adapter: place(format!("hint.{}.weight", hint.stage))?,
                bias: place(format!("hint.{}.bias", hint.stage))?,
                shape: *shape,
            });
        }
        let margin = match &recipe.margin {
            Some(how) => {
                let centres = place("centres".into())?;
                let classes = set.list[centres].shape[0];
                Some(MarginLoss { how: how.clone(), centres, classes, seed: recipe.seed })
            }
            None => None,
        };
        Ok(Self {
            margin,
            cosine: recipe.distil.cosine,
            pairwise: recipe.distil.pairwise,
            hints: losses,
            stages: asked.iter().map(|h| h.stage.clone()).collect(),
        })
    }

    /// The losses of a batch that went through the network; `step` decides which centres are drawn.
    pub fn losses(&self, forward: &Forward, bound: &Bound, views: &Views, step: u64) -> Result<Losses> {
        let device = &forward.features.device();
        let mut sum = Sum { total: Tensor::zeros([1], device), parts: Vec::new() };
        if let Some(lesson) = &views.lesson {
            self.distil(forward, bound, lesson, &mut sum, device);
        }
        if let Some(margin) = &self.margin {
            margin.add(forward, bound, &views.identities, step, &mut sum);
        }
        ensure!(!sum.parts.is_empty(), "this batch has nothing to learn from");
        Ok(Losses { total: sum.total, parts: sum.parts })
    }

    fn distil(&self, forward: &Forward, bound: &Bound, lesson: &Lesson, sum: &mut Sum, device: &Device) {
        let [batch, _] = forward.features.dims();
        let student = normalise(forward.features.clone());
        let columns = lesson.features.len() / batch;
        let teacher = matrix(&lesson.features, columns, device);
        if self.cosine > 0.0 {
            sum.add("cosine", self.cosine, cosine(student.clone(), teacher.clone()));
        }
        if self.pairwise > 0.0 {
            sum.add("pairwise", self.pairwise, pairwise(student, teacher));
        }
        for ((loss, map), lesson) in self.hints.iter().zip(&forward.stages).zip(&lesson.hints) {
            let target = matrix(lesson, loss.shape.channels, device);
            let value = hint(map.clone(), bound.shaped(loss.adapter), bound.flat(loss.bias), target);
            sum.add(&loss.name, loss.weight, value);
        }
    }
}

impl MarginLoss {
    /// Only faces whose identity is known take part.
    fn add(&self, forward: &Forward, bound: &Bound, identities: &[Option<u32>], step: u64, sum: &mut Sum) {
        let known: Vec<usize> = (0..identities.len()).filter(|i| identities[*i].is_some()).collect();
        if known.is_empty() {
            return;
        }
        let labels: Vec<usize> = identities.iter().flatten().map(|i| *i as usize).collect();
        let mut centres = bound.shaped::<2>(self.centres);
        let mut own = labels;
        if self.how.centres < 1.0 {
            let mut rng = generator(&[self.seed, step]);
            let (rows, places) = sample_centres(&own, self.classes, self.how.centres, &mut rng);
            centres = select(centres, &rows);
            own = places;
        }
        let features = select(forward.features.clone(), &known);
        sum.add("margin", self.how.weight, margin(&self.how, features, centres, &own));
    }
}

fn select(rows: Tensor<2>, numbers: &[usize]) -> Tensor<2> {
    let numbers: Vec<i64> = numbers.iter().map(|n| *n as i64).collect();
    let count = numbers.len();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(numbers, [count]), &rows.device());
    rows.select(0, indices)
}

struct Sum {
    total: Tensor<1>,
    parts: Vec<(String, Tensor<1>)>,
}

impl Sum {
    fn add(&mut self, name: &str, weight: f32, loss: Tensor<1>) {
        self.total = self.total.clone() + loss.clone() * weight;
        self.parts.push((name.to_string(), loss.detach()));
    }
}

fn matrix(values: &[f32], columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / columns, columns]), device)
}
