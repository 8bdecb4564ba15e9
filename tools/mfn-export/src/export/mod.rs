//! From a checkpoint to a model folder that boards run: batch norms folded, ONNX, manifest, golden vectors.
//!
//! Golden templates come from the training graph, which shares no code with the engine of the board.

mod fold;
mod folder;
mod golden;
mod onnx;

pub(crate) use fold::fold_layer;
pub use fold::{FoldedLayer, fold};
pub(crate) use folder::whole_folder;
pub use folder::{Description, Written, write};
pub use golden::{GoldenCrop, read_crops, templates};
pub use onnx::{INPUT, OPSET, OUTPUT, to_onnx};
pub(crate) use onnx::{convolution, prelu};
