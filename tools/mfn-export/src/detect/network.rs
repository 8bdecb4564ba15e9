//! Running the detector in training and in evaluation mode.

use super::arch::{LEVELS, OUTPUTS, Plan, STRIDES};
use crate::net::{BatchStatistic, Bound, Chain, Input, ParameterSet};
use anyhow::{Context, Result};
use burn::tensor::Tensor;

/// The structure over a set of parameters.
pub struct DetectorNetwork {
    backbone: [Chain; LEVELS],
    neck: [Chain; LEVELS - 1],
    heads: [Chain; LEVELS],
    /// Places of weight and bias.
    outputs: [(usize, usize); LEVELS],
}

impl DetectorNetwork {
    /// The structure over parameters with its names.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(set: &ParameterSet) -> Result<Self> {
        let plan = Plan::default();
        let place = |name: String| set.place(&name).with_context(|| format!("parameter {name} is missing"));
        let mut outputs = [(0, 0); LEVELS];
        for (output, layer) in outputs.iter_mut().zip(&plan.outputs) {
            *output = (place(format!("{}.weight", layer.name))?, place(format!("{}.bias", layer.name))?);
        }
        let chain = |name: &str, level: usize, layers: &[crate::arch::Layer]| {
            Chain::new(&format!("{name}{}", STRIDES[level]), layers, set)
        };
        Ok(Self {
            backbone: [
                chain("backbone", 0, &plan.backbone[0])?,
                chain("backbone", 1, &plan.backbone[1])?,
                chain("backbone", 2, &plan.backbone[2])?,
            ],
            neck: [chain("neck", 0, &plan.neck[0])?, chain("neck", 1, &plan.neck[1])?],
            heads: [
                chain("head", 0, &plan.heads[0])?,
                chain("head", 1, &plan.heads[1])?,
                chain("head", 2, &plan.heads[2])?,
            ],
            outputs,
        })
    }

    /// Training mode: the raw outputs (no sigmoid) of all cells of a batch `[N, 3, H, W]` as `[cells, 16]`, level
    /// after level, in each picture after picture, row after row.
    pub fn train(&self, bound: &Bound, images: Tensor<4>) -> (Tensor<2>, Vec<BatchStatistic>) {
        let mut statistics = Vec::new();
        let outputs = self.wire(bound, images, |chain, input| chain.train(bound, input, &mut statistics));
        (outputs, statistics)
    }

    /// Evaluation mode, with running statistics: the same as [`DetectorNetwork::train`].
    pub fn evaluate(&self, bound: &Bound, images: Tensor<4>) -> Tensor<2> {
        self.wire(bound, images, |chain, input| chain.evaluate(bound, input))
    }

    fn wire(
        &self,
        bound: &Bound,
        images: Tensor<4>,
        mut run: impl FnMut(&Chain, Input) -> Tensor<5>,
    ) -> Tensor<2> {
        let map8 = run(&self.backbone[0], Input::Images(images));
        let map16 = run(&self.backbone[1], Input::Map(map8.clone()));
        let map32 = run(&self.backbone[2], Input::Map(map16.clone()));
        let map16 = run(&self.neck[1], Input::Map(map16 + doubled(map32.clone())));
        let map8 = run(&self.neck[0], Input::Map(map8 + doubled(map16.clone())));
        let mut outputs = Vec::with_capacity(LEVELS);
        for (level, map) in [map8, map16, map32].into_iter().enumerate() {
            let map = run(&self.heads[level], Input::Map(map));
            outputs.push(self.output(bound, level, map));
        }
        Tensor::cat(outputs, 0)
    }

    fn output(&self, bound: &Bound, level: usize, map: Tensor<5>) -> Tensor<2> {
        let (weight, bias) = self.outputs[level];
        let [n, blocks, height, width, block] = map.dims();
        let channels = blocks * block;
        let cells = map.permute([0, 2, 3, 1, 4]).reshape([n * height * width, channels]);
        let weight = bound.flat(weight).reshape([OUTPUTS, channels]);
        cells.matmul(weight.transpose()) + bound.flat(bias).reshape([1, OUTPUTS])
    }
}

/// Each cell four times: `[N, C/16, H, W, 16]` to `[N, C/16, 2 H, 2 W, 16]`.
fn doubled(map: Tensor<5>) -> Tensor<5> {
    let [n, blocks, height, width, block] = map.dims();
    let rows = map.reshape([n * blocks * height, 1, width, 1, block]);
    let twice = rows.expand([n * blocks * height, 2, width, 2, block]);
    twice.reshape([n, blocks, 2 * height, 2 * width, block])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn doubling_repeats_rows_and_columns() {
        let values: Vec<f32> = (0..2 * 3 * 16).map(|v| v as f32).collect();
        let map = Tensor::<5>::from_data(TensorData::new(values, [1, 1, 2, 3, 16]), &Device::flex());
        let out = crate::net::floats(doubled(map)).unwrap();
        for y in 0..4 {
            for x in 0..6 {
                for c in 0..16 {
                    let from = ((y / 2) * 3 + x / 2) * 16 + c;
                    assert_eq!(out[(y * 6 + x) * 16 + c], from as f32);
                }
            }
        }
    }
}
