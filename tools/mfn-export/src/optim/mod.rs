//! Optimisers over plain vectors: SGD, AdamW, SAM's two half steps, averages, schedules.

mod sam;
mod schedule;
mod step;

pub use sam::Ascent;
pub use schedule::rate;
pub use step::{Moments, average, clip, step};
