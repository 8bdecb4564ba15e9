//! The network to learn from: any ONNX file with an aligned crop in and features out, run by the
//! device's own engine, with inner tensors as hints.

mod cache;
mod operators;

pub use cache::FeatureCache;

use crate::arch::INPUT_SIDE;
use crate::recipe::Hint;
use anyhow::{Context, Result, anyhow, ensure};
use std::path::Path;
use std::sync::Arc;
use tract_onnx::prelude::*;

/// A teacher; threads share it. It looks at one crop at a time: larger batches leave the caches
/// and took half as long again.
pub struct Teacher {
    plan: Arc<TypedRunnableModel>,
    dimension: usize,
    hints: Vec<HintShape>,
}

/// The map of one hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintShape {
    /// Channels of the teacher's map.
    pub channels: usize,
    /// Its side.
    pub side: usize,
}

/// How a run asks its teacher.
pub enum Teaching {
    /// On the very view that the student sees.
    Live(Teacher),
    /// On the crop as it is, once.
    Cached(Teacher, FeatureCache),
}

impl Teaching {
    /// The teacher itself.
    pub fn teacher(&self) -> &Teacher {
        match self {
            Teaching::Live(teacher) | Teaching::Cached(teacher, _) => teacher,
        }
    }
}

/// What the teacher says about a batch.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    /// Features of length one, `[N, dimension]`.
    pub features: Vec<f32>,
    /// One map a hint, channels last and standardised: `[N * side * side, channels]`.
    pub hints: Vec<Vec<f32>>,
}

impl Teacher {
    /// Loads the file and checks its shapes and the hints' names.
    pub fn load(path: &Path, hints: &[Hint]) -> Result<Self> {
        Self::build(path, hints).map_err(|e| anyhow!("teacher {}: {e:#}", path.display()))
    }

    fn build(path: &Path, hints: &[Hint]) -> Result<Self> {
        let mut onnx = tract_onnx::onnx();
        onnx.op_register.insert("LayerNormalization", operators::layer_norm);
        let mut model = onnx.model_for_path(path)?;
        ensure!(model.inputs.len() == 1, "it has {} inputs instead of one", model.inputs.len());
        let mut outputs = vec![model.outputs[0]];
        for hint in hints {
            outputs.push(outlet(&model, &hint.tensor)?);
        }
        let input = [1, 3, INPUT_SIDE, INPUT_SIDE];
        model.set_input_fact(0, f32::fact(input).into())?;
        model.select_output_outlets(&outputs)?;
        let takes = || format!("it does not take an input of shape {input:?}");
        let mut model = model.into_typed().with_context(takes)?.into_decluttered()?;
        operators::replace_depthwise(&mut model)?;
        let model = model.into_optimized()?;
        let shapes = (0..outputs.len()).map(|i| shape(&model, i)).collect::<Result<Vec<_>>>()?;
        ensure!(
            shapes[0].len() == 2 && shapes[0][0] == 1,
            "its output has shape {:?} instead of one row an image",
            shapes[0]
        );
        let dimension = shapes[0][1];
        let hints = hints.iter().zip(&shapes[1..]).map(|(h, s)| hint_shape(h, s)).collect::<Result<_>>()?;
        Ok(Self { plan: model.into_runnable()?, dimension, hints })
    }

    /// Length of the features.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The maps of the hints, in the order of the recipe.
    pub fn hints(&self) -> &[HintShape] {
        &self.hints
    }

    /// Looks at normalised crops `[N, 3, 112, 112]`.
    pub fn teach(&self, images: &[f32]) -> Result<Lesson> {
        let mut lesson = Lesson { features: Vec::new(), hints: vec![Vec::new(); self.hints.len()] };
        for image in images.chunks(3 * INPUT_SIDE * INPUT_SIDE) {
            let input = Tensor::from_shape(&[1, 3, INPUT_SIDE, INPUT_SIDE], image)?;
            let outputs = self.plan.run(tvec!(input.into()))?;
            lesson.features.extend_from_slice(slice(&outputs[0])?);
            for ((map, shape), output) in lesson.hints.iter_mut().zip(&self.hints).zip(&outputs[1..]) {
                channels_last(slice(output)?, *shape, map);
            }
        }
        lesson.features.chunks_exact_mut(self.dimension).for_each(unit);
        for (map, shape) in lesson.hints.iter_mut().zip(&self.hints) {
            standardise(map, shape.channels);
        }
        Ok(lesson)
    }
}

fn slice(value: &TValue) -> Result<&[f32]> {
    value.try_as_plain_ram()?.as_slice::<f32>()
}

/// The outlet with the name of an ONNX tensor; an unknown one names the nearest.
fn outlet(model: &InferenceModel, tensor: &str) -> Result<OutletId> {
    if let Some(outlet) = model.find_outlet_label(tensor) {
        return Ok(outlet);
    }
    let node = model.nodes().iter().find(|n| n.name == tensor || format!("{}_output_0", n.name) == tensor);
    if let Some(node) = node {
        return Ok(OutletId::new(node.id, 0));
    }
    let near = |n: &&str| (1e6 * strsim::jaro_winkler(n, tensor)) as u64;
    let nearest = model.node_names().max_by_key(near).unwrap_or("none");
    Err(anyhow!("it has no inner tensor `{tensor}`; the nearest name is `{nearest}`"))
}

fn shape(model: &TypedModel, output: usize) -> Result<Vec<usize>> {
    let fact = model.output_fact(output)?;
    let concrete =
        fact.shape.as_concrete().with_context(|| format!("its output {output} has no fixed shape"))?;
    Ok(concrete.to_vec())
}

fn hint_shape(hint: &Hint, shape: &[usize]) -> Result<HintShape> {
    let side = match hint.stage.as_str() {
        "body1" => 28,
        "body2" => 14,
        _ => 7,
    };
    ensure!(
        shape.len() == 4 && shape[2] == side && shape[3] == side,
        "its tensor `{}` has shape {shape:?}; {} needs a map of {side}x{side}",
        hint.tensor,
        hint.stage
    );
    Ok(HintShape { channels: shape[1], side })
}

/// Appends `[N, C, H, W]` as `[N * H * W, C]`.
fn channels_last(map: &[f32], shape: HintShape, out: &mut Vec<f32>) {
    let plane = shape.side * shape.side;
    for image in map.chunks_exact(shape.channels * plane) {
        out.extend((0..plane).flat_map(|p| (0..shape.channels).map(move |c| image[c * plane + p])));
    }
}

/// Mean 0 and variance 1 for each channel over the batch, so that no channel outweighs the others.
fn standardise(map: &mut [f32], channels: usize) {
    let (mut sum, mut square) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
    for row in map.chunks_exact(channels) {
        for (c, value) in row.iter().enumerate() {
            sum[c] += f64::from(*value);
            square[c] += f64::from(*value) * f64::from(*value);
        }
    }
    let rows = (map.len() / channels) as f64;
    let scale: Vec<(f32, f32)> = (0..channels)
        .map(|c| {
            let mean = sum[c] / rows;
            let variance = (square[c] / rows - mean * mean).max(0.0);
            (mean as f32, (1.0 / (variance + 1e-6).sqrt()) as f32)
        })
        .collect();
    for row in map.chunks_exact_mut(channels) {
        for (value, (mean, factor)) in row.iter_mut().zip(&scale) {
            *value = (*value - mean) * factor;
        }
    }
}

fn unit(row: &mut [f32]) {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    row.iter_mut().for_each(|x| *x /= length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_go_last_and_get_mean_zero_and_variance_one() {
        let mut out = Vec::new();
        channels_last(
            &[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0],
            HintShape { channels: 2, side: 2 },
            &mut out,
        );
        assert_eq!(out, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0]);
        standardise(&mut out, 2);
        // (1 - 2.5) / sqrt(1.25) by hand, the same for both channels.
        let expected = [-1.341_64, -0.447_21, 0.447_21, 1.341_64];
        for (pair, e) in out.chunks(2).zip(expected) {
            assert!((pair[0] - e).abs() < 1e-4 && (pair[1] - e).abs() < 1e-4, "{pair:?} {e}");
        }
    }
}
