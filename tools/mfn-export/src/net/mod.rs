//! The networks with their weights: building, running in training and in evaluation mode.

mod forward;
mod parameters;
mod widen;

pub use forward::{BatchStatistic, Bound, Forward, Network, floats};
pub(crate) use forward::{Chain, Input};
pub use parameters::{Parameter, ParameterSet, Role};
pub use widen::widen;
