//! Golden vectors of a stranger's network, by the plain runtime: without the engine's own operators and fusions.

use super::Stranger;
use crate::arch::INPUT_SIDE;
use crate::export::GoldenCrop;
use crate::faces::Crop;
use crate::manifest::Input;
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::BTreeMap;
use tract_onnx::prelude::*;

/// As many crops of as many people show whether a network still works.
const PEOPLE: usize = 3;
const OF_ONE_PERSON: usize = 2;

/// Picks crops and works out what the network gives for each; not normalised.
///
/// # Errors
/// When nobody has two crops, there is only one person, or the runtime fails.
pub fn golden(
    stranger: &Stranger,
    input: &Input,
    crops: &[Crop],
) -> Result<(Vec<GoldenCrop>, Vec<Vec<f32>>)> {
    let chosen = choose(crops)?;
    let run = || -> Result<Vec<Vec<f32>>> {
        let mut onnx = tract_onnx::onnx();
        onnx.ignore_value_info = true;
        let model = onnx.model_for_read(&mut &stranger.bytes[..])?;
        let mut model = model.with_input_fact(0, f32::fact([1, 3, INPUT_SIDE, INPUT_SIDE]).into())?;
        let output = model.outputs.iter().position(|o| model.outlet_label(*o) == Some(&stranger.output));
        let output = model.outputs[output.unwrap_or(0)];
        model.select_output_outlets(&[output])?;
        let plan = model.into_typed()?.into_runnable()?;
        let one = |crop: &GoldenCrop| -> Result<Vec<f32>> {
            let mut values = vec![0.0; 3 * INPUT_SIDE * INPUT_SIDE];
            input.normalise(crop.picture.as_raw(), &mut values);
            let tensor = Tensor::from_shape(&[1, 3, INPUT_SIDE, INPUT_SIDE], &values)?;
            Ok(plan.run(tvec!(tensor.into()))?[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        chosen.iter().map(one).collect()
    };
    let templates = run().map_err(|e| anyhow!("the plain runtime fails on it: {e:#}"))?;
    Ok((chosen, templates))
}

/// Two crops each of up to three people, under made-up names.
fn choose(crops: &[Crop]) -> Result<Vec<GoldenCrop>> {
    let mut people: BTreeMap<usize, Vec<&Crop>> = BTreeMap::new();
    crops.iter().for_each(|crop| people.entry(crop.person.unwrap_or(usize::MAX)).or_default().push(crop));
    let mut people: Vec<_> = people.into_values().collect();
    people.sort_by_key(|p| std::cmp::Reverse(p.len().min(OF_ONE_PERSON)));
    ensure!(
        people.len() >= 2 && people[0].len() >= OF_ONE_PERSON,
        "golden crops need two people, one with two crops"
    );
    let mut chosen = Vec::new();
    for (person, crops) in people.iter().take(PEOPLE).enumerate() {
        for (number, crop) in crops.iter().take(OF_ONE_PERSON).enumerate() {
            let side = INPUT_SIDE as u32;
            let picture = image::RgbImage::from_raw(side, side, crop.face.data().to_vec());
            let letter = char::from(b'a' + person as u8);
            let picture = picture.context("a crop of another size")?;
            chosen.push(GoldenCrop { file: format!("{letter}-{}.png", number + 1), picture });
        }
    }
    Ok(chosen)
}
