//! Figures of merit from similarity scores.

mod verification;

pub use verification::{Scored, Verification, verification};
