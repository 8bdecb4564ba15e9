//! Finding and running `mfn-kiosk` as a user would.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

/// The folder of others' networks that `MFN_REFERENCE_MODELS` names; `None`, with a line that says so, when it is not
/// there.
#[must_use]
pub fn reference_models() -> Option<PathBuf> {
    let folder = env::var_os("MFN_REFERENCE_MODELS").map(PathBuf::from).filter(|dir| dir.is_dir());
    if folder.is_none() {
        eprintln!("skipped: MFN_REFERENCE_MODELS names no folder of models");
    }
    folder
}

/// The models that come with the sources.
#[must_use]
pub fn models() -> PathBuf {
    workspace().join("models")
}

/// One call of the program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Finished {
        Finished {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// Standard output as JSON: one value, or one a line.
    #[must_use]
    pub fn json(&self) -> Vec<serde_json::Value> {
        serde_json::Deserializer::from_str(&self.out)
            .into_iter()
            .map(|value| value.unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}")))
            .collect()
    }

    /// Fails the test unless the program ended with this code and did not panic.
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert!(!self.err.contains("panicked"), "the program panicked: {self:?}");
        assert_eq!(self.code, code, "exit code: {self:?}");
        self
    }
}

/// The program with a gallery folder, and the other arguments that every call of a test shares.
pub struct Kiosk {
    gallery: PathBuf,
}

impl Kiosk {
    /// Calls that use the gallery `gallery` in this folder; its key lies beside it.
    #[must_use]
    pub fn within(folder: &Path) -> Kiosk {
        Kiosk { gallery: folder.join("gallery") }
    }

    /// The folder of the gallery.
    #[must_use]
    pub fn gallery(&self) -> &Path {
        &self.gallery
    }

    /// A call that is not started yet. Nothing of the user's own settings reaches it.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("STATE_DIRECTORY", &self.gallery).stdin(Stdio::null());
        command.env_remove("RUST_LOG").current_dir(workspace());
        command
    }

    /// Runs to the end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.command(arguments).output().expect("mfn-kiosk starts").into()
    }
}

/// The workspace's root: the parent of this crate.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// The program under test: the one that `MFN_KIOSK` names, else the release build of these sources.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| env::var_os("MFN_KIOSK").map_or_else(build, PathBuf::from))
}

/// `cargo build --release` of the program; quick when nothing has changed. Built as users build it, since
/// budgets hold for that build alone.
fn build() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "-p", "mfn-kiosk"]).current_dir(workspace());
    assert!(command.status().expect("cargo starts").success(), "mfn-kiosk does not build");
    let test = env::current_exe().expect("a test knows where it is");
    test.ancestors().nth(3).expect("target/PROFILE/deps/TEST").join("release/mfn-kiosk")
}
