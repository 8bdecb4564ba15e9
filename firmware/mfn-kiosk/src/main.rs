//! The door program: `mfn-kiosk`. Wires camera, networks, gallery, decision and door together; what each of
//! them does lives in its own crate. `cli` says what can be asked, `commands` does it, one file a command.

mod budget;
mod cli;
mod commands;
mod config;
mod engines;
mod exit;
mod keeper;
mod limits;
mod newest;
mod photos;
mod pipeline;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Failure;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if matches!(command, Command::ModelGuard) {
        return mfn_engine::child_main();
    }
    start_log();
    log_panics();
    match commands::execute(command) {
        Ok(exit) => exit.code(),
        Err(failure) => complain(&failure),
    }
}

/// Logs go to standard error; RUST_LOG chooses others than warnings.
fn start_log() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
        .format_target(false)
        .init();
}

/// One line for a panic, and no backtrace: the door line is closed by its own process either way.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let words = panic.payload().downcast_ref::<&str>().map(|text| (*text).to_owned());
        let words = words.or_else(|| panic.payload().downcast_ref::<String>().cloned()).unwrap_or_default();
        log::error!("this is a bug, please report it{place}: {}", words.replace('\n', " "));
    }));
}

/// One line on standard error: what failed, where, what to do.
fn complain(failure: &Failure) -> ExitCode {
    let words = failure.error.to_string().replace('\n', " ");
    if !words.is_empty() {
        eprintln!("mfn-kiosk: {words}");
    }
    failure.exit.code()
}
