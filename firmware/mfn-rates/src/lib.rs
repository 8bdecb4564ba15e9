//! Error rates with their intervals, and the threshold that follows from them. Pure: similarities in, numbers
//! out; no templates, no files.
//!
//! - [`Rate`]: how often something happened in how many trials, with its 95 % interval.
//! - [`approach_score`]: what the vote of several frames makes of one approach.
//! - [`Tail`]: how rare high similarities of different people are, as far as the data go and, plainly said,
//!   beyond; [`Tail::threshold`] is the threshold for a target FPIR among so many people.

mod approach;
mod rate;
mod tail;

pub use approach::approach_score;
pub use rate::Rate;
pub use tail::{Tail, pair_rate};
