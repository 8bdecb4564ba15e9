//! A stranger's recogniser as a model folder: what it takes and gives is read from the file, how pixels become
//! its input is found out on labelled faces.

mod golden;
mod stranger;
mod trial;

pub use golden::{golden, independent};
pub use stranger::Stranger;
pub use trial::{Trial, candidates, try_all};
