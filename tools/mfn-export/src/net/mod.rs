//! The networks with their weights: building, running in training and in evaluation mode.

mod forward;
mod parameters;
#[cfg(feature = "torch")]
mod torch;
mod widen;

pub use forward::{BatchStatistic, Bound, Forward, Network, floats};
pub(crate) use forward::{Chain, Input};
pub use parameters::{Parameter, ParameterSet, Role};
#[cfg(feature = "torch")]
pub use torch::{Card, CardPass};
pub use widen::widen;
