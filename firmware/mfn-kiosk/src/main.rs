//! The door program: `mfn-kiosk`. Wires camera, networks, gallery, decision and door together; what each of
//! them does lives in its own crate. `cli` says what can be asked, `commands` does it, one file a command.

mod budget;
mod calibration;
mod cli;
mod clock;
mod commands;
mod config;
mod dates;
mod engines;
mod enrolment;
mod exit;
mod keeper;
mod limits;
mod newest;
mod office;
mod photos;
mod pipeline;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    mfn_kernels::allocator::give_large_blocks_back();
    let command = Cli::parse().command;
    if matches!(command, Command::ModelGuard) {
        return mfn_engine::child_main();
    }
    start_log();
    end_on_panic();
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

/// A panic on any thread is one line without a backtrace, and the end of the process: of kiosk and door keeper,
/// the one that is left closes the door line. (Release builds do not unwind; this makes the others do the same.)
fn end_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let words = panic.payload_as_str().unwrap_or("no message").replace('\n', " ");
        log::error!("this is a bug, please report it{place}: {words}");
        std::process::exit(Exit::Failure as i32);
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
