//! What a program does in its hidden command for the guard; the tests' guards start this.

use std::process::ExitCode;

fn main() -> ExitCode {
    mfn_engine::child_main()
}
