//! What int8 changes on benchmarks of pairs: both networks of a folder after the same detector and alignment.

use crate::evaluate::{Benchmark, Engine, Figures};
use anyhow::Result;
use mfn_engine::{Guard, ModelFolder, Precision};
use serde::Serialize;
use std::path::Path;

/// One benchmark by both networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionCost {
    /// Name of the benchmark.
    pub name: String,
    /// How many pairs.
    pub pairs: usize,
    /// Right decisions of fp32 by the fold rule, in per cent.
    pub accuracy_fp32_percent: f64,
    /// The same of int8, with its own thresholds.
    pub accuracy_int8_percent: f64,
    /// Decisions that differ when both use the thresholds of fp32.
    pub changed: usize,
}

/// Runs the benchmarks of pairs with both networks of a folder; the detector is in `models`.
///
/// # Errors
/// When a network or the data is missing or broken.
pub fn decisions(
    folder: &Path,
    benchmarks: &[Benchmark],
    models: &Path,
    threads: usize,
) -> Result<Vec<DecisionCost>> {
    if benchmarks.is_empty() {
        return Ok(Vec::new());
    }
    let folder = ModelFolder::open(folder)?;
    // The fp32 file passed the guard before, and the int8 file was made here.
    let engine = |precision| {
        Engine::open(&folder.clone().select(precision)?, models, threads, false, &Guard::trusted())
    };
    let (fp32, int8) = (engine(Precision::Fp32)?, engine(Precision::Int8)?);
    let mut costs = Vec::new();
    for benchmark in benchmarks {
        for (before, after) in benchmark.run(&fp32, &[])?.into_iter().zip(benchmark.run(&int8, &[])?) {
            if let (Figures::Pairs(fp32), Figures::Pairs(int8)) = (&before.figures, &after.figures) {
                costs.push(DecisionCost {
                    name: before.name,
                    pairs: fp32.pairs,
                    accuracy_fp32_percent: fp32.accuracy_percent,
                    accuracy_int8_percent: int8.accuracy_percent,
                    changed: fp32.changed_by(int8),
                });
            }
        }
    }
    Ok(costs)
}
