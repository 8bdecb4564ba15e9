//! Golden vectors: inputs with the outputs that another runtime gave, and how far a network is from them.
//!
//! One JSON file a model. A recogniser's lists 8-bit RGB crops as PNG with their templates; files of one person
//! are called `<person>-<number>...`, so that mated and non-mated pairs are known. A detector's lists pictures
//! with their faces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mfn_template::Template;
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{Detection, Landmarks, Point, Rect, RgbImage};
use serde::Deserialize;

use crate::error::ModelError;
use crate::folder::ModelFolder;

/// Golden pictures are small: at most this many pixels, 4 MB of file.
const PICTURE_LIMITS: PhotoLimits = PhotoLimits { file_bytes: 4 << 20, pixels: 1 << 22, side: 4096 };

/// How well a recogniser reproduces its golden vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecogniserTest {
    /// Crops that were compared.
    pub crops: usize,
    /// The lowest cosine between a template and its golden one.
    pub lowest_cosine: f32,
    /// The lowest similarity of two crops of one person.
    pub lowest_mated: f32,
    /// The highest similarity of crops of two persons.
    pub highest_non_mated: f32,
}

/// How well a detector reproduces its golden vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorTest {
    /// Faces that were compared.
    pub faces: usize,
    /// The largest difference between two scores.
    pub largest_score_difference: f32,
    /// The largest difference of a box's or point's coordinate, in pixels of the golden picture.
    pub largest_shift: f32,
}

/// What the three texts say is for people; they are required so that no golden file goes without. A recogniser's
/// outputs are called `templates`, a detector's `faces`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
struct GoldenFile<T> {
    #[serde(rename = "input")]
    _input: String,
    #[serde(rename = "output")]
    _output: String,
    #[serde(rename = "runtime")]
    _runtime: String,
    #[serde(alias = "templates", alias = "faces")]
    outputs: BTreeMap<String, T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaceEntry {
    score: f32,
    #[serde(rename = "box")]
    face: [f32; 4],
    points: [[f32; 2]; 5],
}

impl FaceEntry {
    fn detection(&self) -> Detection {
        let [x, y, w, h] = self.face;
        let landmarks = Landmarks(self.points.map(|[x, y]| Point { x, y }));
        Detection { score: self.score, face: Rect { x, y, w, h }, landmarks }
    }
}

/// A crop with the template that it should give, and whose it is.
pub(crate) struct GoldenCrop {
    pub person: String,
    pub picture: RgbImage,
    pub template: Template,
}

/// Reads a recogniser's golden crops; each file's hash is checked first.
pub(crate) fn crops(folder: &ModelFolder) -> Result<Vec<GoldenCrop>, ModelError> {
    let file: GoldenFile<Vec<f32>> = parse(folder)?;
    let mut crops = Vec::new();
    for (name, values) in file.outputs {
        let template = Template::normalise(&values).map_err(|e| wrong(folder, format!("{name}: {e}")))?;
        if Some(values.len()) != folder.dimension() {
            return Err(wrong(folder, format!("{name} has {} values", values.len())));
        }
        crops.push(GoldenCrop { person: person(&name), picture: picture(folder, &name)?, template });
    }
    Ok(crops)
}

/// Reads a detector's golden pictures with their faces, best first.
pub(crate) fn pictures(folder: &ModelFolder) -> Result<Vec<(RgbImage, Vec<Detection>)>, ModelError> {
    let file: GoldenFile<Vec<FaceEntry>> = parse(folder)?;
    let read = |(name, faces): (String, Vec<FaceEntry>)| {
        Ok((picture(folder, &name)?, faces.iter().map(FaceEntry::detection).collect()))
    };
    file.outputs.into_iter().map(read).collect()
}

fn parse<T: for<'a> Deserialize<'a>>(folder: &ModelFolder) -> Result<T, ModelError> {
    let bytes = folder.read(&folder.manifest().golden)?;
    serde_json::from_slice(&bytes).map_err(|e| wrong(folder, format!("not in the expected form: {e}")))
}

fn wrong(folder: &ModelFolder, reason: String) -> ModelError {
    ModelError::Golden { path: folder.path_of(&folder.manifest().golden), reason }
}

/// A picture that lies beside the golden file and is listed in the manifest.
fn picture(folder: &ModelFolder, name: &str) -> Result<RgbImage, ModelError> {
    let beside: PathBuf = Path::new(&folder.manifest().golden).with_file_name(name);
    let file = beside.to_string_lossy();
    folder.read(&file)?;
    let path = folder.path_of(&file);
    photo::load(&path, &PICTURE_LIMITS).map_err(|e| ModelError::Golden { path, reason: e.cause.to_string() })
}

/// `vice-president` of `vice-president-1-crop.png`: what stands before the first part that is a number.
fn person(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let parts = stem.split('-').take_while(|part| part.parse::<u32>().is_err());
    parts.collect::<Vec<_>>().join("-")
}

/// Compares templates, in the order of the crops, with the golden ones.
///
/// # Errors
/// When the crops have no mated or no non-mated pair: then a broken network could not be told from a good one.
pub(crate) fn compare_templates(
    golden: &[GoldenCrop],
    found: &[Template],
) -> Result<RecogniserTest, &'static str> {
    let cosines = golden.iter().zip(found).map(|(crop, template)| crop.template.similarity(template));
    let mut test = RecogniserTest {
        crops: golden.len(),
        lowest_cosine: cosines.fold(1.0, f32::min),
        lowest_mated: f32::INFINITY,
        highest_non_mated: f32::NEG_INFINITY,
    };
    for (i, a) in golden.iter().enumerate() {
        for (j, b) in golden.iter().enumerate().skip(i + 1) {
            let similarity = found[i].similarity(&found[j]);
            if a.person == b.person {
                test.lowest_mated = test.lowest_mated.min(similarity);
            } else {
                test.highest_non_mated = test.highest_non_mated.max(similarity);
            }
        }
    }
    match test.lowest_mated.is_finite() && test.highest_non_mated.is_finite() {
        true => Ok(test),
        false => Err("they hold no mated or no non-mated pair"),
    }
}

/// The differences of two lists of faces, best first; `None` when they have not as many faces.
pub(crate) fn compare_faces(golden: &[Detection], found: &[Detection]) -> Option<DetectorTest> {
    if golden.len() != found.len() {
        return None;
    }
    let mut test = DetectorTest { faces: golden.len(), largest_score_difference: 0.0, largest_shift: 0.0 };
    for (a, b) in golden.iter().zip(found) {
        test.largest_score_difference = test.largest_score_difference.max((a.score - b.score).abs());
        for (a, b) in coordinates(a).into_iter().zip(coordinates(b)) {
            test.largest_shift = test.largest_shift.max((a - b).abs());
        }
    }
    Some(test)
}

fn coordinates(face: &Detection) -> Vec<f32> {
    let Rect { x, y, w, h } = face.face;
    let points = face.landmarks.0.iter().flat_map(|p| [p.x, p.y]);
    [x, y, w, h].into_iter().chain(points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_say_who_is_in_them() {
        assert_eq!(person("vice-president-1-crop.png"), "vice-president");
        assert_eq!(person("president-12-crop.png"), person("president-3-crop.png"));
        assert_eq!(person("president-12.png"), "president");
    }

    fn crop(person: &str, values: &[f32]) -> GoldenCrop {
        let template = Template::normalise(values).unwrap();
        GoldenCrop { person: person.into(), picture: RgbImage::new(1, 1), template }
    }

    #[test]
    fn pairs_are_told_apart_by_person() {
        let golden = [crop("a", &[1.0, 0.0]), crop("a", &[0.8, 0.6]), crop("b", &[0.0, 1.0])];
        let found: Vec<Template> = golden.iter().map(|crop| crop.template.clone()).collect();
        let test = compare_templates(&golden, &found).unwrap();
        assert!((test.lowest_mated - 0.8).abs() < 1e-6 && (test.highest_non_mated - 0.6).abs() < 1e-6);
        assert!(compare_templates(&golden[..2], &found[..2]).is_err(), "no non-mated pair");
        assert!(compare_templates(&golden[1..], &found[1..]).is_err(), "no mated pair");
    }
}
