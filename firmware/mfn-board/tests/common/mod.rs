//! How a test starts its own program once more, also where that takes an emulator.

use std::{env, process::Command};

/// What starts a program of this machine: the system, or qemu where the test itself runs in it.
pub struct Starter {
    /// The emulator and its arguments; empty for none.
    emulator: &'static [&'static str],
    /// A C compiler for this machine.
    #[allow(dead_code, reason = "one of the two test programs compiles nothing")]
    pub compiler: &'static str,
}

const STARTERS: [Starter; 2] = [
    Starter { emulator: &[], compiler: "cc" },
    Starter {
        emulator: &["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"],
        compiler: "aarch64-linux-gnu-gcc",
    },
];

impl Starter {
    /// The one that works here; `None`, said in one line, when a test has to be skipped.
    pub fn find() -> Option<&'static Starter> {
        let found = STARTERS.iter().find(|starter| starter.works());
        if found.is_none() {
            println!("skipped: this machine does not start its own tests' program");
        }
        found
    }

    fn works(&self) -> bool {
        self.command().arg("--list").output().is_ok_and(|run| run.status.success())
    }

    /// A command of this test program, to be given its arguments.
    pub fn command(&self) -> Command {
        let program = env::current_exe().unwrap();
        match self.emulator {
            [] => Command::new(program),
            [emulator, arguments @ ..] => {
                let mut command = Command::new(emulator);
                command.args(arguments).arg(program);
                command
            }
        }
    }
}
