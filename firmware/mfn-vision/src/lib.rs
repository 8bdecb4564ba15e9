//! Frames, pixel formats, colour conversion, resizing, alignment, photographs and drawing.
//! Knows nothing of models, galleries, cameras or doors.

mod align;
mod convert;
pub mod draw;
mod frame;
mod geometry;
mod jpeg;
pub mod photo;
mod resize;
mod rgb;
mod sheet;
mod similarity;
mod yuv;

pub use align::{AlignError, AlignedFace, CROP_LANDMARKS, align, warp};
pub use convert::{FrameError, MAX_FRAME_SIDE, to_rgb};
pub use frame::{Frame, PixelFormat};
pub use geometry::{Detection, Landmarks, Point, Rect};
pub use resize::{fit, halve, resize};
pub use rgb::RgbImage;
pub use similarity::Similarity;
