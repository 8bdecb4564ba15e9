//! One model folder: its manifest, and its files with size and SHA-256 checked before anything is parsed.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use mfn_template::TemplateSpace;
use sha2::{Digest, Sha256};

use crate::any::Operators;
use crate::error::ModelError;
use crate::guard::Guard;
use crate::manifest::{Manifest, ModelKind};
use crate::network::{MAX_NETWORK, Network, Spec};
use crate::precision::Precision;
use crate::thresholds::Thresholds;
use crate::trust::{Believed, Trust};

/// The manifest's name in every model folder.
pub(crate) const MANIFEST: &str = "manifest.toml";
const MAX_MANIFEST: u64 = 64 << 10;
const MAX_GOLDEN: u64 = 8 << 20;

/// A checked manifest and where its files are. Holds no file contents.
///
#[doc = include_str!("../MANIFEST.md")]
#[derive(Clone, Debug)]
pub struct ModelFolder {
    dir: PathBuf,
    manifest: Manifest,
    precision: Precision,
    threads: NonZero<usize>,
    /// The hashes come from this program itself, not from the folder.
    known: bool,
}

impl ModelFolder {
    /// Opens the folder `dir` that holds a `manifest.toml`; chooses fp32 where there is one.
    ///
    /// Checks the manifest, that each file is there and not too large, and every SHA-256 except those of the
    /// networks, which are checked when they are read to be loaded.
    ///
    /// # Errors
    /// The first file or manifest entry that is wrong.
    pub fn open(dir: &Path) -> Result<ModelFolder, ModelError> {
        ModelFolder::open_trusted(dir, &Trust::Anyone)
    }

    /// As [`ModelFolder::open`], but only when `trust` believes the manifest, which is asked before anything is
    /// parsed. The hashes in the manifest then speak for all files.
    ///
    /// # Errors
    /// As [`ModelFolder::open`], and when the manifest is not believed.
    pub fn open_trusted(dir: &Path, trust: &Trust) -> Result<ModelFolder, ModelError> {
        let path = dir.join(MANIFEST);
        let text = read_limited(&path, MAX_MANIFEST)?;
        let believed = trust.check(dir, &text)?;
        let text = String::from_utf8(text).map_err(|_| ModelError::Manifest {
            path: path.clone(),
            reason: "is not a text file in UTF-8".into(),
        })?;
        ModelFolder::with_manifest(dir, &path, &text, believed == Believed::Shipped)
    }

    /// Takes a manifest that is compiled into this program for the bare files in `dir`.
    pub(crate) fn well_known(dir: &Path, text: &str) -> Result<ModelFolder, ModelError> {
        ModelFolder::with_manifest(dir, Path::new("(built in)"), text, true)
    }

    fn with_manifest(dir: &Path, path: &Path, text: &str, known: bool) -> Result<ModelFolder, ModelError> {
        let manifest = Manifest::parse(text)
            .map_err(|reason| ModelError::Manifest { path: path.to_path_buf(), reason })?;
        // The map is ordered and not empty (the manifest's check): fp32 comes first.
        let precision = manifest.networks.keys().next().copied().unwrap_or(Precision::Fp32);
        let threads = NonZero::<usize>::MIN;
        let folder = ModelFolder { dir: dir.to_path_buf(), manifest, precision, threads, known };
        folder.check_files()?;
        Ok(folder)
    }

    fn check_files(&self) -> Result<(), ModelError> {
        for file in self.manifest.files.keys() {
            if self.manifest.networks.values().any(|network| network == file) {
                open_limited(&self.dir.join(file), MAX_NETWORK)?;
            } else {
                self.read(file)?;
            }
        }
        Ok(())
    }

    /// Chooses another precision. Where the CPU lacks what fp16 needs, that is fp32, which the log says.
    ///
    /// # Errors
    /// When the folder has none; says which it has.
    pub fn select(self, precision: Precision) -> Result<ModelFolder, ModelError> {
        if self.manifest.networks.contains_key(&precision.file()) {
            return Ok(ModelFolder { precision: precision.on_this_cpu(), ..self });
        }
        Err(ModelError::Missing {
            dir: self.dir,
            wanted: format!("{:?} network of {}", precision.file(), self.manifest.name).to_lowercase(),
            hint: format!("it has {:?}", self.manifest.networks.keys()).to_lowercase(),
        })
    }

    /// Chooses another precision where the folder has it; else stays as it is.
    #[must_use]
    pub fn prefer(self, precision: Precision) -> ModelFolder {
        self.clone().select(precision).unwrap_or(self)
    }

    /// Has the network run on so many threads instead of one.
    #[must_use]
    pub fn on_threads(self, threads: NonZero<usize>) -> ModelFolder {
        ModelFolder { threads, ..self }
    }

    /// What the model is for.
    #[must_use]
    pub fn kind(&self) -> ModelKind {
        self.manifest.kind()
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The model's terms.
    #[must_use]
    pub fn licence(&self) -> &str {
        &self.manifest.licence
    }

    /// What its templates may be compared with; `None` for a detector.
    #[must_use]
    pub fn space(&self) -> Option<&TemplateSpace> {
        self.manifest.recogniser.as_ref().map(|part| &part.space)
    }

    /// Length of its templates; `None` for a detector.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.manifest.recogniser.as_ref().map(|part| part.dimension)
    }

    /// From which similarity on its templates are one person's, where the manifest says what was measured.
    #[must_use]
    pub fn thresholds(&self) -> Option<&Thresholds> {
        self.manifest.recogniser.as_ref()?.thresholds.as_ref()
    }

    /// The chosen network's arithmetic.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// SHA-256 of the chosen network in hexadecimal: names it in logs and reports.
    #[must_use]
    pub fn network_sha256(&self) -> &str {
        &self.manifest.files[self.network_file()]
    }

    /// Whether the hashes are part of this program, which then needs no guard.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn path_of(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn network_file(&self) -> &str {
        &self.manifest.networks[&self.precision.file()]
    }

    /// Loads the chosen network. The file is read once: what is hashed is what is tried and loaded.
    pub(crate) fn load_network(&self, spec: &Spec, guard: &Guard) -> Result<Network, ModelError> {
        let bytes = self.read(self.network_file())?;
        let refused = |reason| ModelError::Network { path: self.path_of(self.network_file()), reason };
        if !self.known {
            guard.check(&bytes, spec).map_err(refused)?;
        }
        let operators = Operators::Own { threads: self.threads, floats: self.precision.floats() };
        Network::load(&self.manifest.name, bytes, spec, operators).map_err(refused)
    }

    /// The error for a model that was given where one of another kind is needed.
    pub(crate) fn wrong_kind(&self, wanted: ModelKind) -> ModelError {
        let reason = format!("describes a {:?}, a {wanted:?} is needed here", self.kind()).to_lowercase();
        ModelError::Manifest { path: self.path_of(MANIFEST), reason }
    }

    /// Reads a file that the manifest lists and checks its size and hash.
    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.path_of(file);
        let expected = self.manifest.files.get(file).ok_or_else(|| ModelError::Manifest {
            path: self.path_of(MANIFEST),
            reason: format!("{file:?} is needed but not listed under [files]"),
        })?;
        let is_network = self.manifest.networks.values().any(|network| network == file);
        let bytes = read_limited(&path, if is_network { MAX_NETWORK } else { MAX_GOLDEN })?;
        let found = hex(&Sha256::digest(&bytes));
        if found != *expected {
            return Err(ModelError::Hash { path, expected: expected.clone(), found });
        }
        Ok(bytes)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Opens a regular file of at most `limit` bytes. A device or a pipe could be read for ever.
fn open_limited(path: &Path, limit: u64) -> Result<File, ModelError> {
    let failed = |source| ModelError::Read { path: path.to_path_buf(), source };
    // Asked before opening, since opening a pipe waits for its other end.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > limit {
        return Err(ModelError::TooLarge { path: path.to_path_buf(), bytes, limit });
    }
    Ok(file)
}

pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let file = open_limited(path, limit)?;
    let size = file.metadata().map_or(0, |m| m.len());
    // The file may grow between the two calls: one byte more than the limit shows it.
    let mut bytes = Vec::with_capacity(size.min(limit) as usize + 1);
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| ModelError::Read { path: path.to_path_buf(), source })?;
    if bytes.len() as u64 > limit {
        return Err(ModelError::TooLarge { path: path.to_path_buf(), bytes: bytes.len() as u64, limit });
    }
    Ok(bytes)
}
