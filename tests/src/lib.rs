//! What the tests that run whole programs share: finding the program, running it, making its world.

mod export;
mod program;
mod scene;

pub use export::Exporter;
pub use program::{Finished, Kiosk, models, reference_models};
pub use scene::{fixture, fixtures, walk_up};
