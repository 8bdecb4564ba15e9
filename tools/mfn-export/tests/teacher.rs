//! The teacher through tract against ONNX Runtime's numbers, where the models are at hand.

use mfn_export::data::{decode, normalise};
use mfn_export::recipe::Hint;
use mfn_export::teacher::Teacher;
use std::path::PathBuf;

const NETWORK: &str = "teacher-edgeface-xs-512d.onnx";

fn models() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("MFN_REFERENCE_MODELS")?);
    if folder.join(NETWORK).exists() {
        return Some(folder);
    }
    println!("skipped: {} is not there", folder.join(NETWORK).display());
    None
}

fn hint(tensor: &str, stage: &str) -> Hint {
    Hint { tensor: tensor.into(), stage: stage.into(), weight: 0.5 }
}

#[test]
fn features_are_those_of_onnx_runtime() {
    let Some(models) = models() else { return };
    let hints = [
        hint("/model/stages/stages.0/blocks/blocks.2/Add_output_0", "body1"),
        hint("/model/stages/stages.1/blocks/blocks.2/Add_3_output_0", "body2"),
        hint("/model/stages/stages.2/blocks/blocks.8/Add_3_output_0", "body3"),
    ];
    let teacher = Teacher::load(&models.join(NETWORK), &hints).unwrap();
    let channels: Vec<usize> = teacher.hints().iter().map(|h| h.channels).collect();
    assert_eq!((teacher.dimension(), channels), (512, vec![32, 64, 100]));
    let golden = std::fs::read_to_string(models.join("golden/teacher-edgeface-xs-512d.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&golden).unwrap();
    for (name, expected) in golden["templates"].as_object().unwrap() {
        let bytes = std::fs::read(models.join("golden").join(name)).unwrap();
        let mut image = vec![0.0; 3 * 112 * 112];
        normalise(decode(&bytes).unwrap().as_raw(), &mut image);
        let features = teacher.teach(&image).unwrap().features;
        let cosine: f64 = features
            .iter()
            .zip(expected.as_array().unwrap())
            .map(|(a, b)| f64::from(*a) * b.as_f64().unwrap())
            .sum();
        assert!(cosine > 0.99999, "{name}: {cosine}");
    }
}

#[test]
fn an_unknown_hint_names_the_nearest_tensor() {
    let Some(models) = models() else { return };
    let wrong = [hint("/model/stages/stages.0/blocks/blocks.2/Ad_output_0", "body1")];
    let error = Teacher::load(&models.join(NETWORK), &wrong).err().unwrap().to_string();
    assert!(error.contains("/model/stages/stages.0/blocks/blocks.2/Add") && !error.contains('\n'), "{error}");
    let size = [hint("/model/stages/stages.1/blocks/blocks.2/Add_3_output_0", "body1")];
    let error = Teacher::load(&models.join(NETWORK), &size).err().unwrap().to_string();
    assert!(error.contains("28x28"), "{error}");
}
