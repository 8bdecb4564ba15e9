//! A face detector of our own: network, labels, loss, training, measurement, export.
//!
//! Three levels of cells lie 8, 16 and 32 pixels apart. Each cell says whether a face belongs to it (`cls`), how
//! well its box fits (`obj`, the intersection over union that it expects), the box (centre and logarithm of the
//! size, in strides from the cell) and five points (in strides from the cell): the outputs of YuNet (Wu, Peng
//! and Yu 2023), so that the device reads both detectors alike. The architecture is our own.

mod arch;
mod decode;
mod examination;
mod export;
mod frames;
mod loss;
mod marks;
mod measure;
mod network;
mod paste;
mod run;
mod targets;
mod views;

pub use arch::{LEVELS, NAME, OUTPUTS, Plan, STRIDES, fresh};
pub use decode::faces;
pub use examination::Examination;
pub use export::{Written, export, to_onnx};
pub use frames::{Frame, Frames};
pub use loss::{Losses, losses};
pub use measure::{Figures, Seen, measure};
pub use network::DetectorNetwork;
pub use run::{resume, start};
pub use targets::{Grid, Targets};
pub use views::{Batch, Maker};
