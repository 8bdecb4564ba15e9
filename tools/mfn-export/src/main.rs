//! The host tool: reads the command line and runs one command.

use clap::Parser;
use mfn_export::cli::{Cli, Command};
use mfn_export::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if matches!(command, Command::ModelGuard) {
        return mfn_engine::child_main();
    }
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("mfn_export=info")).init();
    let outcome = match command {
        Command::Inspect { arch, json } => commands::inspect::run(&arch, json),
        Command::Curve { runs, out, json } => commands::curve::run(&runs, &out, json),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::QuantiseDetector(arguments) => commands::quantise_detector::run(&arguments),
        Command::EvaluateDetector(arguments) => commands::evaluate_detector::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Import(arguments) => commands::import::run(&arguments),
        Command::Quantise(arguments) => commands::quantise::run(&arguments),
        Command::Keygen(arguments) => commands::keygen::run(&arguments),
        Command::Card(arguments) => commands::card::run(&arguments),
        Command::Bundle(arguments) => commands::bundle::run(&arguments),
        Command::Verify(arguments) => commands::bundle::verify(&arguments),
        Command::Prepare(arguments) => commands::prepare::run(&arguments),
        Command::Subset(arguments) => commands::subset::run(&arguments),
        Command::ModelGuard => unreachable!("the guard has returned above"),
        Command::Train(arguments) => commands::train::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mfn-export: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error with its causes; one that the text before it holds already is not said twice.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line += if line.is_empty() { "" } else { ": " };
            line += &cause;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error =
            anyhow::anyhow!("no such file").context("cannot read x: no such file; look").context("model");
        assert_eq!(one_line(&error), "model: cannot read x: no such file; look");
    }
}
