//! The kiosk's end of the pipe to the door keeper: starts it, hears it, and takes the line over when it dies.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mfn_board::{DoorLine, output_pin};

use super::protocol::{FromKeeper, ToKeeper};
use crate::config::{Door, DoorSetup};
use crate::exit::{Exit, Failure, OrExit};

/// A keeper that has not answered beats for so long hangs; a pulse may last that much longer then.
const SILENCE: Duration = Duration::from_secs(1);
/// How long a keeper that was told to end may take.
const FAREWELL: Duration = Duration::from_millis(400);
/// So many new keepers within [`TRIES_WITHIN`] and no more: then something is wrong with the door.
const TRIES: usize = 3;
const TRIES_WITHIN: Duration = Duration::from_secs(60);

/// What a keeper said, and which one it was: an old one's last words are of no interest.
#[derive(Debug)]
pub struct KeeperNews {
    /// Counts the keepers.
    pub generation: u32,
    /// None when it is gone.
    pub message: Option<FromKeeper>,
}

/// Where news go; called on the listening thread.
type Listener = dyn Fn(KeeperNews) + Send + Sync;

/// The door keeper that runs now, and how to start the next one.
pub struct Keeper {
    setup: DoorSetup,
    settings: String,
    listener: Arc<Listener>,
    child: Child,
    pipe: ChildStdin,
    generation: u32,
    said: Instant,
    heard: Instant,
    starts: Vec<Instant>,
}

impl Keeper {
    /// Starts a keeper: the line is closed first thing.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn start(
        door: &Door,
        setup: DoorSetup,
        listener: impl Fn(KeeperNews) + Send + Sync + 'static,
    ) -> Result<Keeper, Failure> {
        let settings = serde_json::to_string(door)?;
        let listener: Arc<Listener> = Arc::new(listener);
        let (child, pipe) = spawn(&settings, 0, &listener).or_exit(Exit::Door)?;
        let now = Instant::now();
        Ok(Keeper {
            setup,
            settings,
            listener,
            child,
            pipe,
            generation: 0,
            said: now,
            heard: now,
            starts: vec![now],
        })
    }

    /// Says something to the keeper. One that cannot hear is replaced.
    ///
    /// # Errors
    /// The keeper died too often.
    pub fn say(&mut self, message: ToKeeper) -> Result<(), Failure> {
        let now = Instant::now();
        if now.duration_since(self.said) > SILENCE / 2 {
            // It was this side that slept: answers may lie unread.
            self.heard = now;
        }
        self.said = now;
        let hangs = self.heard.elapsed() > SILENCE;
        if hangs || writeln!(self.pipe, "{message}").is_err() {
            let why = if hangs { "does not answer" } else { "cannot be reached" };
            return self.replace(why);
        }
        Ok(())
    }

    /// Takes news of the keeper; gives back what it said. A keeper that is gone is replaced.
    ///
    /// # Errors
    /// The keeper died too often.
    pub fn hear(&mut self, news: KeeperNews) -> Result<Option<FromKeeper>, Failure> {
        if news.generation != self.generation {
            return Ok(None);
        }
        self.heard = Instant::now();
        match news.message {
            None => self.replace("died").map(|()| None),
            Some(FromKeeper::Alive) => Ok(None),
            said => Ok(said),
        }
    }

    /// Ends the keeper that fails, closes the line with own hands, and starts another.
    fn replace(&mut self, why: &str) -> Result<(), Failure> {
        log::error!("the door keeper {why}; closing the door line and starting another keeper");
        self.end_child();
        self.close_line()?;
        self.starts.retain(|start| start.elapsed() < TRIES_WITHIN);
        if self.starts.len() > TRIES {
            let what = format!(
                "the door keeper {why}, {TRIES} new ones in {} s as well; the line is closed",
                TRIES_WITHIN.as_secs()
            );
            return Err(Failure::new(Exit::Door, what));
        }
        self.generation += 1;
        (self.child, self.pipe) =
            spawn(&self.settings, self.generation, &self.listener).or_exit(Exit::Door)?;
        self.heard = Instant::now();
        self.starts.push(self.heard);
        Ok(())
    }

    /// Opens the pin, which nobody owns now, as closed, and lets go of it.
    fn close_line(&self) -> Result<(), Failure> {
        let pin = output_pin(&self.setup.line, self.setup.line_active.state(false)).or_exit(Exit::Door)?;
        DoorLine::new(pin, self.setup.line_active).or_exit(Exit::Door).map(drop)
    }

    fn end_child(&mut self) {
        // Both fail only for a process that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends the keeper; one that does not end by itself is ended, and the line closed from here.
    ///
    /// # Errors
    /// The line could not be closed.
    pub fn shut_down(mut self) -> Result<(), Failure> {
        let told = writeln!(self.pipe, "{}", ToKeeper::Shutdown).is_ok();
        let deadline = Instant::now() + FAREWELL;
        while told && Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(status)) if status.success()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.end_child();
        self.close_line()
    }
}

/// Starts this very program as a door keeper, in a process group of its own, so that the terminal's
/// Ctrl-C does not reach it.
fn spawn(settings: &str, generation: u32, listener: &Arc<Listener>) -> io::Result<(Child, ChildStdin)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["door-keeper", settings])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let (Some(pipe), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the door keeper has no pipes"));
    };
    let listener = Arc::clone(listener);
    thread::Builder::new()
        .name("door-ear".to_owned())
        .spawn(move || listen(out, generation, listener.as_ref()))?;
    Ok((child, pipe))
}

/// Hands every line on, and at last that there are no more.
fn listen(out: ChildStdout, generation: u32, listener: &Listener) {
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        match line.parse() {
            Ok(message) => listener(KeeperNews { generation, message: Some(message) }),
            Err(e) => log::warn!("{e}"),
        }
    }
    listener(KeeperNews { generation, message: None });
}
