//! What can go wrong between a model folder and a template.

use std::io;
use std::path::PathBuf;

use mfn_template::TemplateError;

/// Why a model was not loaded. Nothing of it is in use then.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the folder cannot be read.
    #[error("cannot read {path}: {source}; check that the models folder is complete and readable")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds no such model.
    #[error("{dir} holds no {wanted}; {hint}")]
    Missing {
        /// The models folder.
        dir: PathBuf,
        /// What was looked for.
        wanted: String,
        /// What would have been accepted.
        hint: String,
    },
    /// The manifest contradicts itself, or has a key that this program does not know.
    #[error("manifest {path}: {reason}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The first thing that is wrong with it.
        reason: String,
    },
    /// A file is larger than any that this program reads.
    #[error("{path} has {bytes} bytes, the limit is {limit}: this is not a model for this program")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// A file is not the one that its manifest names.
    #[error(
        "{path} is damaged or was exchanged: its SHA-256 is {found}, the manifest says {expected}; copy the model folder again"
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// Hexadecimal SHA-256 from the manifest.
        expected: String,
        /// Hexadecimal SHA-256 of what was read.
        found: String,
    },
    /// The ONNX file is refused: by the check before parsing, by the guard, or by the runtime.
    #[error("network {path} is refused: {reason}")]
    Network {
        /// The ONNX file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody whom this program believes vouches for the folder.
    #[error(
        "model folder {dir} is not trusted: {reason}; sign it with `mfn-export bundle` and name the public key in the configuration (models.public_key), or name the folder in models.unsigned"
    )]
    Untrusted {
        /// The folder.
        dir: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The options ask for what the model cannot do.
    #[error("detector {network}: {reason}")]
    Options {
        /// The model's name.
        network: String,
        /// What does not fit.
        reason: String,
    },
    /// The golden vectors cannot be used.
    #[error("golden vectors {path}: {reason}")]
    Golden {
        /// The golden file or one of its pictures.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Why a loaded network gave no answer. The network stays usable for the next picture.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The runtime failed.
    #[error("network {network} failed to run: {reason}")]
    Run {
        /// Its name.
        network: String,
        /// What the runtime said.
        reason: String,
    },
    /// The output is not a feature vector.
    #[error("network {network}: {source}")]
    Template {
        /// Its name.
        network: String,
        /// What is wrong with the values.
        source: TemplateError,
    },
    /// The network's answers differ from the golden vectors.
    #[error(
        "network {network} fails its self-test: {reason}; check channel order, mean, scale and size in its manifest, and that the ONNX file is the one its golden vectors were made with"
    )]
    SelfTest {
        /// Its name.
        network: String,
        /// The first difference.
        reason: String,
    },
    /// The golden vectors could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
}
