//! Finding and running `mfn-export`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Finished;

/// The host tool, as `cargo test --workspace` builds it beside the tests.
pub struct Exporter(PathBuf);

impl Exporter {
    /// The one that `MFN_EXPORT` names, else the one beside this test; `None`, with a line that says so, when there
    /// is none: building it alone would take minutes.
    #[must_use]
    pub fn find() -> Option<Exporter> {
        let beside = || {
            let test = env::current_exe().expect("a test knows where it is");
            test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("mfn-export")
        };
        let program = env::var_os("MFN_EXPORT").map_or_else(beside, PathBuf::from);
        if !program.is_file() {
            eprintln!("skipped: no {}; `cargo test --workspace` builds it", program.display());
            return None;
        }
        Some(Exporter(program))
    }

    /// Runs to the end in `folder`.
    #[must_use]
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Finished {
        let mut command = Command::new(&self.0);
        command.args(arguments).env_remove("RUST_LOG").current_dir(folder).stdin(Stdio::null());
        command.output().expect("mfn-export starts").into()
    }
}
