//! The manifest of a model folder: what the TOML file may say (`MANIFEST.md` describes it), and its checked form.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use mfn_template::TemplateSpace;
use serde::Deserialize;

use crate::precision::Precision;
use crate::thresholds::Thresholds;

/// The only version of the manifest's format so far.
const VERSION: u32 = 1;
/// More files than any model folder has.
const MAX_FILES: usize = 64;
/// Longest feature vector that is taken for one.
const MAX_DIMENSION: usize = 4096;
/// Outputs of a detector: four kinds at three strides.
pub(crate) const DETECTOR_OUTPUTS: usize = 12;

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Finds faces and their five points.
    Detector,
    /// Turns an aligned face into a template.
    Recogniser,
}

/// The order of a network's input planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How pixels become a network's input.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The input's name in the ONNX graph.
    pub name: String,
    /// Width and height, when the network takes only one size.
    pub size: Option<[u32; 2]>,
    /// Order of the planes.
    pub channels: ChannelOrder,
    /// Subtracted from each pixel value, plane by plane.
    pub mean: [f32; 3],
    /// What is left is divided by this, plane by plane.
    pub scale: [f32; 3],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    names: Vec<String>,
    dimension: Option<usize>,
}

/// The file as serde reads it; [`Manifest`] is the checked form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: u32,
    kind: ModelKind,
    name: String,
    licence: String,
    template_space: Option<String>,
    golden: String,
    input: Input,
    output: Output,
    networks: BTreeMap<Precision, String>,
    thresholds: Option<Thresholds>,
    files: BTreeMap<String, String>,
}

/// What only a recogniser's manifest says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecogniserPart {
    /// Length of the feature vector.
    pub dimension: usize,
    /// What its templates may be compared with.
    pub space: TemplateSpace,
    /// From which similarity on faces are one person, where that was measured.
    pub thresholds: Option<Thresholds>,
}

/// A manifest that passed all checks: every file it names is in `files`, and no path leaves the folder.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub name: String,
    pub licence: String,
    pub golden: String,
    pub input: Input,
    pub outputs: Vec<String>,
    /// `None` for a detector.
    pub recogniser: Option<RecogniserPart>,
    pub networks: BTreeMap<Precision, String>,
    /// Path inside the folder -> SHA-256 in lower-case hexadecimal.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// One sentence on the first thing that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Manifest, String> {
        let raw: Raw = toml::from_str(text).map_err(|e| one_line(&e.to_string()))?;
        ensure(raw.version == VERSION, || {
            format!("version {} is not known; this program reads version {VERSION}", raw.version)
        })?;
        let recogniser = recogniser_part(&raw)?;
        check_input(&raw)?;
        check_names(&raw)?;
        check_files(&raw)?;
        Ok(Manifest {
            name: raw.name,
            licence: raw.licence,
            golden: raw.golden,
            input: raw.input,
            outputs: raw.output.names,
            recogniser,
            networks: raw.networks,
            files: raw.files,
        })
    }

    /// What the network is for.
    pub(crate) fn kind(&self) -> ModelKind {
        if self.recogniser.is_some() { ModelKind::Recogniser } else { ModelKind::Detector }
    }
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

/// toml draws the offending line over several lines; errors of this program take one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn recogniser_part(raw: &Raw) -> Result<Option<RecogniserPart>, String> {
    match (raw.kind, &raw.template_space, raw.output.dimension) {
        (ModelKind::Detector, None, None) if raw.thresholds.is_none() => Ok(None),
        (ModelKind::Detector, ..) => {
            Err("a detector has neither `template_space` nor `output.dimension` nor `thresholds`".into())
        }
        (ModelKind::Recogniser, Some(space), Some(dimension)) => {
            ensure((1..=MAX_DIMENSION).contains(&dimension), || {
                format!("output.dimension = {dimension} is not within 1 to {MAX_DIMENSION}")
            })?;
            let space = TemplateSpace::new(space).map_err(|e| e.to_string())?;
            raw.thresholds.map_or(Ok(()), |thresholds| thresholds.check())?;
            Ok(Some(RecogniserPart { dimension, space, thresholds: raw.thresholds }))
        }
        (ModelKind::Recogniser, ..) => {
            Err("a recogniser needs both `template_space` and `output.dimension`".into())
        }
    }
}

fn check_input(raw: &Raw) -> Result<(), String> {
    let input = &raw.input;
    ensure(input.mean.iter().all(|v| v.is_finite()), || "input.mean must be finite".into())?;
    ensure(input.scale.iter().all(|v| v.is_finite() && *v != 0.0), || {
        "input.scale must be finite and not zero: pixels are divided by it".into()
    })?;
    match (raw.kind, input.size) {
        (ModelKind::Recogniser, Some([112, 112])) | (ModelKind::Detector, None) => Ok(()),
        (ModelKind::Recogniser, _) => Err("a recogniser needs input.size = [112, 112]".into()),
        (ModelKind::Detector, Some([w, h])) => {
            ensure(w % 32 == 0 && h % 32 == 0 && w > 0 && h > 0 && w <= 4096 && h <= 4096, || {
                format!("input.size = [{w}, {h}]: both must be multiples of 32 within 32 to 4096")
            })
        }
    }
}

/// Whether a model may be called so.
///
/// # Errors
/// Says which characters are allowed.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    ensure((1..=64).contains(&name.len()) && name.chars().all(allowed), || {
        format!("name {:?} is not 1 to 64 characters of a-z, 0-9, '-', '.'", cut(name))
    })
}

/// Whether this can be a model's terms.
///
/// # Errors
/// Says how long they are.
pub fn check_licence(licence: &str) -> Result<(), String> {
    ensure((1..=200).contains(&licence.trim().len()), || {
        "licence must say the model's terms in 1 to 200 characters".into()
    })
}

fn check_names(raw: &Raw) -> Result<(), String> {
    check_name(&raw.name)?;
    check_licence(&raw.licence)?;
    let wanted = if raw.kind == ModelKind::Detector { DETECTOR_OUTPUTS } else { 1 };
    let found = raw.output.names.len();
    ensure(found == wanted, || {
        format!("output.names lists {found} outputs, a {:?} has {wanted}", raw.kind).to_lowercase()
    })
}

fn check_files(raw: &Raw) -> Result<(), String> {
    ensure(raw.files.len() <= MAX_FILES, || {
        format!("[files] lists {} files, the limit is {MAX_FILES}", raw.files.len())
    })?;
    ensure(!raw.networks.is_empty(), || "[networks] names no file".into())?;
    for (path, hash) in &raw.files {
        ensure(stays_inside(path), || {
            format!("file {:?} is not a plain relative path inside the folder", cut(path))
        })?;
        ensure(is_sha256(hash), || {
            format!("the SHA-256 of {path:?} is not 64 lower-case hexadecimal digits")
        })?;
    }
    for path in raw.networks.values().chain([&raw.golden]) {
        ensure(raw.files.contains_key(path), || {
            format!("{:?} is used but has no SHA-256 under [files]", cut(path))
        })?;
    }
    Ok(())
}

/// Only ordinary parts: no root, no `..`, no empty path.
fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 255
        && !path.contains('\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Enough of a text from outside to recognise it by.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../known/teacher-edgeface-xs-512d.toml");

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "the manifest has no {from:?}");
        Manifest::parse(&GOOD.replacen(from, to, 1)).expect_err("should be refused")
    }

    #[test]
    fn the_known_manifests_are_good() {
        let recogniser = Manifest::parse(GOOD).unwrap();
        assert_eq!(recogniser.kind(), ModelKind::Recogniser);
        let detector = Manifest::parse(include_str!("../known/detector-yunet-n.toml")).unwrap();
        assert_eq!(detector.kind(), ModelKind::Detector);
    }

    #[test]
    fn each_lie_gets_its_own_sentence() {
        let cases = [
            ("version = 1", "version = 2", "version 2 is not known"),
            ("kind = \"recogniser\"", "kind = \"recognizer\"", "unknown variant"),
            ("version = 1", "version = 1\ncolour = 3", "unknown field `colour`"),
            ("channels = \"rgb\"", "channels = \"rgba\"", "unknown variant"),
            ("size = [112, 112]", "size = [128, 128]", "size = [112, 112]"),
            ("scale = [127.5", "scale = [0.0", "not zero"),
            ("fp32 = \"", "fp16 = \"", "unknown variant `fp16`"),
            ("mean = [127.5", "mean = [nan", "finite"),
            ("dimension = 512", "dimension = 5120", "not within 1 to 4096"),
            ("dimension = 512", "", "needs both"),
            ("names = [\"embedding\"]", "names = []", "lists 0 outputs"),
            ("template_space = \"", "template_space = \"Übung ", "template space"),
            ("licence = \"", "licence = \" \" # \"", "licence"),
            ("name = \"teacher", "name = \"../teacher", "name"),
            ("\"golden/president-1-crop.png\"", "\"../../etc/passwd\"", "inside the folder"),
            ("\"golden/president-1-crop.png\"", "\"/etc/passwd\"", "inside the folder"),
            ("golden = \"golden/", "golden = \"other/", "no SHA-256"),
            ("\"09ef1602", "\"09EF1602", "hexadecimal"),
        ];
        for (from, to, wanted) in cases {
            let reason = refused(from, to);
            assert!(reason.contains(wanted), "{to:?} gave {reason:?}, not {wanted:?}");
            assert!(!reason.contains('\n'), "{reason:?} takes more than one line");
        }
    }

    #[test]
    fn a_detector_has_neither_template_space_nor_thresholds() {
        let reason = refused("kind = \"recogniser\"", "kind = \"detector\"");
        assert!(reason.contains("neither"), "{reason}");
        let detector = include_str!("../known/detector-yunet-n.toml");
        let thresholds = "[thresholds]\n\"fmr_1e-3\" = 0.3\n\"fmr_1e-4\" = 0.4\n\"fmr_1e-5\" = 0.5\n";
        let numbers = "non_mated = 1000\npeople = 10\n";
        let reason = Manifest::parse(&format!("{detector}\n{thresholds}{numbers}")).unwrap_err();
        assert!(reason.contains("nor `thresholds`"), "{reason}");
    }
}
