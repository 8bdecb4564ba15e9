//! The guard before a foreign network: a child process with limits loads and runs it first.
//!
//! Of 630 mutated ONNX files tract 0.23.9 panicked on several and hung for over 40 s on one. Whatever a file
//! does to its reader, it does to the child; the parent sees one sentence.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::any::Operators;
use crate::network::{MAX_NETWORK, Network, Spec};

/// The child's verdict on a network that it refuses; any other end means that it was broken by the file.
const REFUSED: u8 = 3;
/// Longest verdict that is read: it fits a pipe's buffer, so the child never waits for its reader.
const MAX_VERDICT: u64 = 4096;
/// How often a running child is looked at.
const POLL: Duration = Duration::from_millis(2);

/// What loading and one run may take in the child.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardLimits {
    /// Bytes of address space.
    pub memory: u64,
    /// Seconds of CPU time.
    pub cpu_seconds: u64,
    /// Time by the clock.
    pub wall: Duration,
}

impl Default for GuardLimits {
    /// 768 MiB, 20 s of CPU time, 40 s by the clock: ten times what this project's networks take on the
    /// slowest board.
    fn default() -> GuardLimits {
        GuardLimits { memory: 768 << 20, cpu_seconds: 20, wall: Duration::from_secs(40) }
    }
}

/// How foreign networks are tried before this process loads them.
#[derive(Clone, Debug)]
pub struct Guard(Option<Trial>);

#[derive(Clone, Debug)]
struct Trial {
    program: PathBuf,
    args: Vec<OsString>,
    limits: GuardLimits,
}

/// The line that the child reads before the network's bytes.
#[derive(Serialize, Deserialize)]
struct Request {
    spec: Spec,
    limits: GuardLimits,
}

impl Guard {
    /// Tries each network in a child process: `program` started with `args` must call [`child_main`].
    #[must_use]
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
        limits: GuardLimits,
    ) -> Guard {
        let args = args.into_iter().map(Into::into).collect();
        Guard(Some(Trial { program: program.into(), args, limits }))
    }

    /// Tries nothing: only for networks whose origin is already certain, such as one just exported here.
    #[must_use]
    pub fn trusted() -> Guard {
        Guard(None)
    }

    /// Has the network tried, or believes it.
    pub(crate) fn check(&self, bytes: &[u8], spec: &Spec) -> Result<(), String> {
        self.0.as_ref().map_or(Ok(()), |trial| trial.check(bytes, spec))
    }
}

impl Trial {
    fn check(&self, bytes: &[u8], spec: &Spec) -> Result<(), String> {
        let request = Request { spec: spec.clone(), limits: self.limits };
        let header = serde_json::to_string(&request).map_err(|e| format!("cannot start the trial: {e}"))?;
        let mut child = self
            .start()
            .map_err(|e| format!("cannot start {} to try the network safely: {e}", self.program.display()))?;
        let stdin = child.stdin.take();
        let status = thread::scope(|scope| {
            // A child that dies early closes the pipe; the error that this gives is of no interest.
            scope.spawn(move || stdin.map(|mut pipe| send(&mut pipe, &header, bytes)));
            wait(&mut child, self.limits.wall)
        });
        let status = status.map_err(|e| format!("cannot wait for the trial: {e}"))?;
        self.verdict(status, child)
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }

    /// `status` is `None` when the time was over.
    fn verdict(&self, status: Option<ExitStatus>, mut child: Child) -> Result<(), String> {
        let Some(status) = status else {
            return Err(format!("loading it took more than {} s in a trial", self.limits.wall.as_secs()));
        };
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // What is not readable is not a verdict; the exit status still is.
            let _ = stdout.take(MAX_VERDICT).read_to_string(&mut line);
        }
        match status.code() {
            Some(0) => Ok(()),
            Some(code) if code == i32::from(REFUSED) => Err(line.trim().to_owned()),
            _ => Err(format!(
                "loading it broke a trial process ({status}; limits: {} MiB, {} s of CPU time)",
                self.limits.memory >> 20,
                self.limits.cpu_seconds
            )),
        }
    }
}

fn send(pipe: &mut impl Write, header: &str, bytes: &[u8]) -> io::Result<()> {
    writeln!(pipe, "{header}")?;
    pipe.write_all(bytes)
}

/// Waits for the child's end, or ends it; `None` then.
fn wait(child: &mut Child, wall: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + wall;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// The whole life of the child process: reads the request and the network from standard input, tries it, and
/// gives its verdict as exit code (0: good, 3: refused) and one line on standard output.
#[must_use]
pub fn child_main() -> ExitCode {
    // A panic is a verdict like another, given from the hook: release builds do not unwind.
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.payload_as_str().unwrap_or("no message");
        let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        refuse(&format!("the runtime panicked on it: {words}"));
        std::process::exit(i32::from(REFUSED));
    }));
    match try_network(&mut io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            refuse(&reason);
            ExitCode::from(REFUSED)
        }
    }
}

fn refuse(reason: &str) {
    // Without a reader there is nobody to tell.
    let _ = writeln!(io::stdout(), "{reason}");
}

fn try_network(input: &mut impl BufRead) -> Result<(), String> {
    let broken = |e: &dyn std::fmt::Display| format!("the trial got a broken request: {e}");
    let mut header = String::new();
    input.take(1 << 20).read_line(&mut header).map_err(|e| broken(&e))?;
    let request: Request = serde_json::from_str(&header).map_err(|e| broken(&e))?;
    limit(&request.limits).map_err(|e| format!("the trial cannot limit itself: {e}"))?;
    let mut bytes = Vec::new();
    input.take(MAX_NETWORK + 1).read_to_end(&mut bytes).map_err(|e| broken(&e))?;
    let mut network = Network::load("trial", bytes, &request.spec, Operators::default())?;
    let finite = network
        .run(fill_pattern, |outputs| outputs.iter().all(|values| values.iter().all(|v| v.is_finite())));
    match finite {
        Ok(true) => Ok(()),
        Ok(false) => Err("it gives NaN or infinite values for an ordinary picture".into()),
        Err(e) => Err(e.to_string()),
    }
}

/// Sets soft and hard limits, so that they cannot be raised again; and leaves no core file behind.
fn limit(limits: &GuardLimits) -> io::Result<()> {
    let set = |resource, value| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }).map_err(io::Error::from)
    };
    set(Resource::Core, 0)?;
    set(Resource::As, limits.memory)?;
    set(Resource::Cpu, limits.cpu_seconds)
}

/// A picture of values between -1 and 1 that has no meaning and is always the same.
fn fill_pattern(input: &mut [f32]) {
    for (index, value) in input.iter_mut().enumerate() {
        *value = ((index * 7919) % 255) as f32 / 127.5 - 1.0;
    }
}

#[cfg(test)]
mod tests;
