//! A recogniser's card: what it is worth on people whom training never saw and on benchmarks, as Markdown and
//! pictures, and the thresholds that its manifest gets.

mod held_out;
mod levels;
mod pictures;
mod rejection;
mod text;

pub use held_out::{Comparisons, HeldOut};
pub use levels::{Level, levels, thresholds};
pub use pictures::draw_rejection;
pub use rejection::{Rejected, rejection};
pub use text::{Card, text};
