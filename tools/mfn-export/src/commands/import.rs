//! `import`: a stranger's recogniser as a model folder.

use super::output;
use crate::cli;
use crate::evaluate::engine::{bar, guard};
use crate::export::{Description, Written, write};
use crate::faces::read;
use crate::import::{Stranger, Trial, candidates, golden, independent, try_all};
use crate::manifest::check_terms;
use anyhow::{Result, ensure};

/// With less than this between mated and non-mated pairs a network does not know faces; recognisers have 3 and more.
const LOWEST_SEPARATION: f64 = 1.0;

/// Runs the command.
pub fn run(arguments: &cli::Import) -> Result<()> {
    ensure!(!arguments.out.exists(), "{} is there already; name another folder", arguments.out.display());
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&arguments.onnx));
    check_terms(Some(&name), &arguments.licence)?;
    let stranger = Stranger::read(&arguments.onnx, arguments.output.as_deref(), arguments.dimension)?;
    let crops = read(&arguments.faces, arguments.crops, arguments.seed)?;
    let cores = super::cores();
    let progress = bar("trying", candidates(&stranger.input).len());
    let work = tempfile::tempdir()?;
    let threads = arguments.threads.unwrap_or(cores);
    let trials = try_all(&stranger, &crops, work.path(), &guard()?, threads, &|| progress.inc(1))?;
    progress.finish_and_clear();
    if !arguments.json {
        output::text(&table(&trials))?;
    }
    let best = &trials[0];
    ensure!(
        best.separation >= LOWEST_SEPARATION,
        "even at its best it hardly tells people apart (separation {:.2}): it is no recogniser of faces, or the faces are labelled wrongly",
        best.separation
    );
    let (chosen, plain) = golden(&stranger, &best.input, &crops)?;
    let (runtime, templates) = match &arguments.golden {
        Some(file) => independent(file, &chosen, &plain)?,
        None => ("tract 0.23.9, without the engine's own operators".into(), plain),
    };
    let description = Description {
        name,
        licence: arguments.licence.clone(),
        input: best.input.clone(),
        output: stranger.output.clone(),
        runtime,
    };
    let written = write(&arguments.out, &description, &stranger.bytes, &chosen, &templates)?;
    report(arguments, &trials, &written)
}

/// The file's name as a model may be called.
fn name_of(path: &std::path::Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' { c } else { '-' };
    stem.chars().map(plain).take(64).collect()
}

fn table(trials: &[Trial]) -> String {
    use std::fmt::Write;
    let mut out = format!("{:<58} {:>13} {:>10}\n", "input", "TAR@FAR 1e-2", "separation");
    for trial in trials {
        let tar = 100.0 * trial.figures.tar_at_far_1e2;
        let _ = writeln!(out, "{:<58} {tar:>11.2} % {:>10.2}", trial.what, trial.separation);
    }
    out
}

fn report(arguments: &cli::Import, trials: &[Trial], written: &Written) -> Result<()> {
    let (best, out) = (&trials[0], arguments.out.display());
    if let Some(reason) = &written.self_test {
        log::warn!("doors will refuse this model: {reason}");
    }
    if arguments.json {
        return output::json(&serde_json::json!({
            "model": arguments.out, "template_space": written.template_space, "bytes": written.bytes,
            "input": best.input, "trials": trials, "self_test": written.self_test,
        }));
    }
    output::text(&format!(
        "{out}: {}, by {} mated and {} non-mated pairs\n{out}: {:.2} MB, template space {}\n",
        best.what,
        best.figures.mated,
        best.figures.non_mated,
        written.bytes as f64 / 1e6,
        written.template_space
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_models() {
        assert_eq!(name_of("x/W600K R50_v1.onnx".as_ref()), "w600k-r50-v1");
    }
}
