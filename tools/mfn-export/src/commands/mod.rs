//! One file a command: each turns checked arguments into work and prints the outcome.

pub mod bundle;
pub mod card;
pub mod curve;
pub mod evaluate;
pub mod evaluate_detector;
pub mod export;
pub mod import;
pub mod inspect;
pub mod keygen;
mod output;
pub mod prepare;
pub mod quantise;
pub mod quantise_detector;
pub mod subset;
pub mod train;

/// How many threads a command takes that is told no number.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
