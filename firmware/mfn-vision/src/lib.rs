//! Frames, pixel formats, colour conversion, resizing, alignment and drawing.
//! Knows nothing of models, galleries, cameras or doors.

mod frame;
mod geometry;
mod rgb;

pub use frame::{Frame, PixelFormat};
pub use geometry::{Detection, Landmarks, Point, Rect};
pub use rgb::RgbImage;
