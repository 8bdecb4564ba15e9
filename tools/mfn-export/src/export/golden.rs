//! Golden crops and the templates that the training graph gives for them.

use crate::arch::{Architecture, INPUT_SIDE};
use crate::data::normalise;
use crate::device::cpu;
use crate::net::{Bound, Network, ParameterSet, floats};
use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};
use image::RgbImage;
use std::path::Path;

/// One golden crop.
#[derive(Clone, Debug)]
pub struct GoldenCrop {
    /// `<person>-<number>...png`: pictures of one person share what stands before the number.
    pub file: String,
    /// The aligned face, 112x112.
    pub picture: RgbImage,
}

/// Reads the PNG crops of a folder, by name.
///
/// # Errors
/// When a picture is no crop of 112x112, or there is no mated or no non-mated pair among them.
pub fn read_crops(folder: &Path) -> Result<Vec<GoldenCrop>> {
    let within = || format!("golden crops {}", folder.display());
    let mut crops = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(within)? {
        let path = entry.with_context(within)?.path();
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let picture = crate::data::decode(&bytes).with_context(|| path.display().to_string())?;
            crops.push(GoldenCrop { file, picture });
        }
    }
    crops.sort_by(|a, b| a.file.cmp(&b.file));
    let pair = |mated: bool| {
        crops
            .iter()
            .enumerate()
            .any(|(i, a)| crops[i + 1..].iter().any(|b| (person(&a.file) == person(&b.file)) == mated))
    };
    ensure!(
        pair(true) && pair(false),
        "golden crops {}: wanted are PNG crops of 112x112 called PERSON-NUMBER.png, at least two of one person and one of another",
        folder.display()
    );
    Ok(crops)
}

/// What stands before the first part that is a number: the engine tells people apart in the same way.
fn person(file: &str) -> String {
    let stem = file.strip_suffix(".png").unwrap_or(file);
    stem.split('-').take_while(|part| part.parse::<u32>().is_err()).collect::<Vec<_>>().join("-")
}

/// The network's output for each crop, in evaluation mode of the training graph; not normalised.
///
/// # Errors
/// When parameters are missing or the graph fails.
pub fn templates(
    architecture: Architecture,
    set: &ParameterSet,
    crops: &[GoldenCrop],
) -> Result<Vec<Vec<f32>>> {
    let device = cpu();
    let (network, bound) = (Network::new(architecture, set)?, Bound::new(set, &device, false));
    let mut all = Vec::with_capacity(crops.len());
    for crop in crops {
        let mut input = vec![0.0; 3 * INPUT_SIDE * INPUT_SIDE];
        normalise(crop.picture.as_raw(), &mut input);
        let data = TensorData::new(input, [1, 3, INPUT_SIDE, INPUT_SIDE]);
        all.push(floats(network.evaluate(&bound, Tensor::from_data(data, &device)))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_apart_by_name() {
        assert_eq!(person("vice-president-1-crop.png"), "vice-president");
        assert_eq!(person("president-3.png"), "president");
    }

    #[test]
    fn crops_without_a_mated_pair_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a-1.png", "b-1.png"] {
            RgbImage::new(112, 112).save(folder.path().join(name)).unwrap();
        }
        let error = read_crops(folder.path()).unwrap_err().to_string();
        assert!(error.contains("PERSON-NUMBER.png"), "{error}");
        RgbImage::new(112, 112).save(folder.path().join("a-2.png")).unwrap();
        assert_eq!(read_crops(folder.path()).unwrap().len(), 3);
    }
}
