//! Training: one step, checkpoints, examinations, and the loop over them.

pub mod checkpoint;
mod events;
mod folder;
mod held_out;
mod objective;
mod progress;
mod run;
mod trainer;

pub use folder::RunFolder;
pub use held_out::Examination;
pub use objective::Objective;
pub use run::{Options, resume, start};
pub use trainer::{Report, State, Trainer};
