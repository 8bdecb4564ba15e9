//! Model folders, detector, recogniser and face quality on tract.
//!
//! A [`ModelFolder`] is a checked manifest with its files; [`Detector`] and [`Recogniser`] load their network
//! from one, foreign files behind a [`Guard`]. tract's types stay inside. Knows nothing of cameras, galleries
//! or doors.

mod any;
mod blocked;
mod decode;
mod dequantise;
mod detector;
mod error;
mod exposure;
mod folder;
mod golden;
mod guard;
mod manifest;
mod models;
mod network;
mod onnx_check;
mod planes;
mod pose;
mod precision;
mod prelu;
mod quality;
mod recogniser;
mod thresholds;
mod tiles;
mod trust;
mod weights;

pub use any::{AnyNetwork, Floats, Operators, instructions};
pub use detector::{Detector, DetectorOptions};
pub use error::{EngineError, ModelError};
pub use folder::ModelFolder;
pub use golden::{DetectorTest, RecogniserTest};
pub use guard::{Guard, GuardLimits, child_main};
pub use manifest::{ChannelOrder, ModelKind, check_licence, check_name};
pub use models::Models;
pub use pose::Pose;
pub use precision::Precision;
pub use quality::{Quality, QualityIssue, QualityLimits};
pub use recogniser::Recogniser;
pub use thresholds::Thresholds;
pub use trust::{Trust, TrustedKey};
