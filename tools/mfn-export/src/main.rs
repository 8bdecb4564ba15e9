//! The host tool: reads the command line and runs one command.

use clap::Parser;
use mfn_export::cli::{Cli, Command};
use mfn_export::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("mfn_export=info")).init();
    let outcome = match Cli::parse().command {
        Command::Inspect { arch, json } => commands::inspect::run(&arch, json),
        Command::Curve { runs, out } => commands::curve::run(&runs, &out),
        Command::Train(arguments) => commands::train::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mfn-export: {error:#}");
            ExitCode::FAILURE
        }
    }
}
