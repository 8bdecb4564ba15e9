//! The models folder (`--models`): which detector and which recognisers are in it.

use std::path::{Path, PathBuf};

use crate::error::ModelError;
use crate::folder::{MANIFEST, ModelFolder};
use crate::manifest::ModelKind;
use crate::trust::Trust;

/// A bare ONNX file that this program knows by its SHA-256, with the manifest that goes with it.
struct WellKnown {
    kind: ModelKind,
    file: &'static str,
    manifest: &'static str,
}

const WELL_KNOWN: [WellKnown; 2] = [
    WellKnown {
        kind: ModelKind::Detector,
        file: "detector-yunet-n.onnx",
        manifest: include_str!("../known/detector-yunet-n.toml"),
    },
    WellKnown {
        kind: ModelKind::Recogniser,
        file: "teacher-edgeface-xs-512d.onnx",
        manifest: include_str!("../known/teacher-edgeface-xs-512d.toml"),
    },
];

/// Of several recognisers the one that is meant without a name: the faster of the two that are shipped.
const PREFERRED: &str = "mobilefacenet";

/// The models of one folder: model folders inside it, else bare files that this program knows.
#[derive(Debug)]
pub struct Models {
    dir: PathBuf,
    detectors: Vec<ModelFolder>,
    recognisers: Vec<ModelFolder>,
}

impl Models {
    /// Looks through `dir`: each folder in it with a `manifest.toml` is a model. A kind without any such
    /// folder is filled from the files that this program knows, when they are there.
    ///
    /// # Errors
    /// When `dir` cannot be read, or a model in it is broken: a broken model is never passed over.
    pub fn find(dir: &Path) -> Result<Models, ModelError> {
        Models::find_trusted(dir, &Trust::Anyone)
    }

    /// As [`Models::find`], but every folder must be believed by `trust`.
    ///
    /// # Errors
    /// As [`Models::find`], and when a folder is not believed.
    pub fn find_trusted(dir: &Path, trust: &Trust) -> Result<Models, ModelError> {
        let mut models = Models { dir: dir.to_path_buf(), detectors: Vec::new(), recognisers: Vec::new() };
        for folder in folders_with_manifest(dir)? {
            models.add(ModelFolder::open_trusted(&folder, trust)?);
        }
        for known in &WELL_KNOWN {
            if models.of(known.kind).iter().all(ModelFolder::is_known) && dir.join(known.file).exists() {
                models.add(ModelFolder::well_known(dir, known.manifest)?);
            }
        }
        Ok(models)
    }

    fn add(&mut self, folder: ModelFolder) {
        match folder.kind() {
            ModelKind::Detector => self.detectors.push(folder),
            ModelKind::Recogniser => self.recognisers.push(folder),
        }
    }

    fn of(&self, kind: ModelKind) -> &[ModelFolder] {
        match kind {
            ModelKind::Detector => &self.detectors,
            ModelKind::Recogniser => &self.recognisers,
        }
    }

    /// The detector; there must be exactly one.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn detector(&self) -> Result<&ModelFolder, ModelError> {
        self.choose(ModelKind::Detector, None)
    }

    /// The recogniser of this name; without a name the only one, or of several that called `mobilefacenet`.
    ///
    /// # Errors
    /// When there is none; or several others and no name. Says which names there are.
    pub fn recogniser(&self, name: Option<&str>) -> Result<&ModelFolder, ModelError> {
        let preferred = self.recognisers.iter().any(|folder| folder.name() == PREFERRED);
        self.choose(ModelKind::Recogniser, name.or(preferred.then_some(PREFERRED)))
    }

    fn choose(&self, kind: ModelKind, name: Option<&str>) -> Result<&ModelFolder, ModelError> {
        let all = self.of(kind);
        let mut fitting = all.iter().filter(|folder| name.is_none_or(|name| folder.name() == name));
        match (fitting.next(), fitting.next()) {
            (Some(folder), None) => Ok(folder),
            (Some(_), Some(_)) => Err(self.missing(kind, "single", &names(all))),
            (None, _) => Err(self.missing(kind, name.unwrap_or_default(), &names(all))),
        }
    }

    fn missing(&self, kind: ModelKind, which: &str, names: &str) -> ModelError {
        let kind_name = format!("{kind:?}").to_lowercase();
        let hint = if names.is_empty() {
            let known = WELL_KNOWN.iter().find(|known| known.kind == kind).map_or("", |known| known.file);
            format!("expected a folder with a {MANIFEST} of kind \"{kind_name}\", or the file {known}")
        } else {
            format!("choose one by name: {names}")
        };
        ModelError::Missing {
            dir: self.dir.clone(),
            wanted: format!("{which} {kind_name}").trim().to_owned(),
            hint,
        }
    }
}

fn names(folders: &[ModelFolder]) -> String {
    folders.iter().map(ModelFolder::name).collect::<Vec<_>>().join(", ")
}

/// In alphabetical order, so that every machine sees the same.
fn folders_with_manifest(dir: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let failed = |source| ModelError::Read { path: dir.to_path_buf(), source };
    let mut folders = Vec::new();
    for entry in dir.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.join(MANIFEST).is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
