//! `bench --model`: one network alone, so that anybody can alternate it with another engine.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mfn_engine::{AnyNetwork, Floats, Precision};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::cli::{self, BenchArgs};
use crate::exit::{Exit, Failure, OrExit};
use crate::{engines, limits, report};

/// What was measured. Times without `wall` are CPU milliseconds of this process, all threads together: what else the
/// machine does counts little.
#[derive(Serialize)]
struct Times {
    runs: u32,
    /// From file to ready; the guard's trial is not in it.
    load_ms: f64,
    best_ms: f64,
    median_ms: f64,
    /// What a caller waits.
    best_wall_ms: f64,
    median_wall_ms: f64,
    peak_kib: Option<u64>,
    instructions: String,
    times_ms: Vec<f64>,
}

pub fn execute(model: &Path, args: &BenchArgs) -> Result<Exit, Failure> {
    let input = args.alone.input.as_deref().map_or(Ok(Vec::new()), read)?;
    let precision = args.with.precision.map(Precision::on_this_cpu);
    let floats = precision.map_or(Floats::F32, Precision::floats);
    let operators = match args.alone.operators {
        cli::Operators::Own => {
            mfn_engine::Operators::Own { threads: engines::threads(args.alone.threads), floats }
        }
        cli::Operators::Tract => mfn_engine::Operators::Tract,
    };
    AnyNetwork::check(model, args.alone.size, &engines::guard()?).or_exit(Exit::Models)?;
    let start = cpu();
    let mut network = AnyNetwork::load(model, args.alone.size, operators).or_exit(Exit::Models)?;
    let load_ms = milliseconds(cpu() - start);
    let mut runs = Runs::default();
    let mut outputs = Vec::new();
    for run in 0..args.runs {
        let (start, start_wall) = (cpu(), Instant::now());
        // Other engines too are given an input that is there already.
        match run {
            0 => network.run(&input, |values| outputs = values.concat()),
            _ => network.run_again(|_| ()),
        }
        .or_exit(Exit::Failure)?;
        runs.cpu_ms.push(milliseconds(cpu() - start));
        runs.wall_ms.push(milliseconds(start_wall.elapsed()));
    }
    if let Some(path) = &args.alone.output {
        let bytes: Vec<u8> = outputs.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(path, bytes).or_exit(Exit::Failure)?;
    }
    print(args, &times(load_ms, runs, floats))?;
    Ok(Exit::Ok)
}

fn read(path: &Path) -> Result<Vec<f32>, Failure> {
    let bytes =
        fs::read(path).map_err(|e| Failure::new(Exit::Failure, format!("{}: {e}", path.display())))?;
    Ok(bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect())
}

/// CPU time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Milliseconds of each run.
#[derive(Default)]
struct Runs {
    cpu_ms: Vec<f64>,
    wall_ms: Vec<f64>,
}

fn times(load_ms: f64, runs: Runs, floats: Floats) -> Times {
    let [best_ms, median_ms] = best_and_median(&runs.cpu_ms);
    let [best_wall_ms, median_wall_ms] = best_and_median(&runs.wall_ms);
    Times {
        runs: runs.cpu_ms.len() as u32,
        load_ms,
        best_ms,
        median_ms,
        best_wall_ms,
        median_wall_ms,
        peak_kib: limits::peak_memory_kib(),
        instructions: mfn_engine::instructions(floats),
        times_ms: runs.cpu_ms,
    }
}

fn best_and_median(times: &[f64]) -> [f64; 2] {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2]]
}

fn print(args: &BenchArgs, times: &Times) -> Result<(), Failure> {
    if args.json.json {
        return report::json(times);
    }
    let Times { load_ms, best_ms, median_ms, best_wall_ms, median_wall_ms, instructions, .. } = times;
    report::line(&format!(
        "load {load_ms:.1} ms, best {best_ms:.3} ms, median {median_ms:.3} ms of CPU time; \
         waited for best {best_wall_ms:.3} ms, median {median_wall_ms:.3} ms"
    ))?;
    let peak =
        times.peak_kib.map_or_else(|| "unknown".into(), |kib| format!("{:.1} MB", kib as f64 * 1.024e-3));
    report::line(&format!("peak memory {peak}; kernels for {instructions}"))
}
