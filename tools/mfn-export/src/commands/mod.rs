//! One file a command: each turns checked arguments into work and prints the outcome.

pub mod curve;
pub mod inspect;
pub mod train;
