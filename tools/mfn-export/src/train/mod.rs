//! Training: one step, checkpoints, examinations, and the loop over them.

pub mod checkpoint;
mod cycle;
mod events;
mod folder;
mod held_out;
mod learning;
mod objective;
#[cfg(feature = "torch")]
mod on_card;
mod progress;
mod run;
mod trainer;

pub use cycle::{Cycle, Examined, Finished, Learner};
pub use folder::RunFolder;
pub use held_out::Examination;
pub use learning::{Learning, Pass, Report, State};
pub use objective::Objective;
pub use run::{Options, resume, start};
pub use trainer::Trainer;
