//! Golden vectors of a stranger's network: by the plain runtime, without the engine's own operators and fusions; or
//! by an independent one (`golden.py` has onnxruntime work them out), which the plain one must agree with.

use super::Stranger;
use crate::arch::INPUT_SIDE;
use crate::export::GoldenCrop;
use crate::faces::Crop;
use crate::manifest::Input;
use anyhow::{Context, Result, anyhow, ensure};
use mfn_template::Template;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tract_onnx::prelude::*;

/// As many crops of as many people show whether a network still works.
const PEOPLE: usize = 3;
const OF_ONE_PERSON: usize = 2;
/// Two runtimes that compute the same agree to this and better.
const LOWEST_COSINE: f32 = 0.9999;

/// A file of golden vectors, as `golden.py` prints it; a folder's golden.json is one too.
#[derive(Deserialize)]
struct GoldenFile {
    runtime: String,
    templates: BTreeMap<String, Vec<f32>>,
}

/// Reads another runtime's vectors of the crops that [`golden`] chose; gives the runtime's name too.
///
/// # Errors
/// When the file is of another form, a crop is missing, or a vector does not agree with `plain`.
pub fn independent(
    file: &Path,
    chosen: &[GoldenCrop],
    plain: &[Vec<f32>],
) -> Result<(String, Vec<Vec<f32>>)> {
    let within = || format!("golden vectors {}", file.display());
    let text = std::fs::read_to_string(file).with_context(within)?;
    let mut found: GoldenFile = serde_json::from_str(&text).with_context(within)?;
    let mut templates = Vec::new();
    for (crop, plain) in chosen.iter().zip(plain) {
        let template = found.templates.remove(&crop.file);
        let template =
            template.with_context(|| format!("there is none of {}", crop.file)).with_context(within)?;
        let cosine = cosine(&template, plain).with_context(|| crop.file.clone()).with_context(within)?;
        ensure!(
            cosine >= LOWEST_COSINE,
            "{}: that of {} has cosine {cosine:.6} to what the plain runtime gives: another network or other crops",
            within(),
            crop.file
        );
        templates.push(template);
    }
    Ok((found.runtime, templates))
}

fn cosine(a: &[f32], b: &[f32]) -> Result<f32> {
    ensure!(a.len() == b.len(), "it has {} numbers, the plain runtime gives {}", a.len(), b.len());
    Ok(Template::normalise(a)?.similarity(&Template::normalise(b)?))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_runtimes_vectors_must_agree() {
        let at = tempfile::tempdir().unwrap();
        let file = at.path().join("golden.json");
        let crop = GoldenCrop { file: "a-1.png".into(), picture: image::RgbImage::new(1, 1) };
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            independent(&file, std::slice::from_ref(&crop), &[vec![1.0, 2.0]]).map_err(|e| format!("{e:#}"))
        };
        let (runtime, templates) =
            read(r#"{"runtime": "other 1", "templates": {"a-1.png": [1.001, 2.0]}}"#).unwrap();
        assert_eq!((runtime.as_str(), templates), ("other 1", vec![vec![1.001, 2.0]]));
        for (text, part) in [
            (r#"{"runtime": "x", "templates": {"a-1.png": [2.0, 1.0]}}"#, "0.8"),
            (r#"{"runtime": "x", "templates": {"a-1.png": [1.0]}}"#, "1 numbers"),
            (r#"{"runtime": "x", "templates": {}}"#, "a-1.png"),
            ("nonsense", "golden.json"),
        ] {
            let line = read(text).unwrap_err();
            assert!(line.contains(part) && !line.contains('\n'), "{line}");
        }
    }
}
