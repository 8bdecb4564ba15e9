//! From a folder of photographs to a signed model that a board runs.
//!
//! `recipe` says what to do; `data` and `augment` make views of faces; `net`, `loss`, `optim` and
//! `teacher` are what training consists of, `train` puts them together; `export`, `bundle`, `graph`,
//! `evaluate` and `prepare` are what comes before and after; `detect` is all of that for the face detector
//! in one place; `commands` is what a user calls.

pub mod arch;
pub mod augment;
pub mod bundle;
pub mod card;
mod chart;
pub mod cli;
pub mod commands;
pub mod data;
pub mod detect;
pub mod device;
pub mod evaluate;
pub mod export;
pub mod faces;
pub mod graph;
pub mod import;
pub mod loss;
pub mod manifest;
pub mod metrics;
pub mod net;
pub mod onnx;
pub mod optim;
pub mod prepare;
pub mod quantise;
pub mod recipe;
pub mod teacher;
pub mod train;
