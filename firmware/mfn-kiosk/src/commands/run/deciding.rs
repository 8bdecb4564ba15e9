//! The deciding thread: sightings and troubles in, door commands and a record out. It also keeps the door
//! keeper and the service manager convinced that the kiosk lives.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use mfn_access::{AccessControl, AccessRules, Event, Fault, Outcome, Sighting};
use mfn_board::{NoWatchdog, SystemdWatchdog, Watchdog};

use super::Shared;
use super::news::{News, People};
use super::output::Output;
use super::summary::Summary;
use crate::cli::RunArgs;
use crate::config::{Config, Schedules};
use crate::exit::{Exit, Failure};
use crate::keeper::{FromKeeper, Keeper, KeeperNews, ToKeeper};

/// Between two beats: a fifth of the time after which the keeper gives the kiosk up.
const BEAT: Duration = Duration::from_millis(100);

/// Why the loop ends.
type End = Result<Exit, Failure>;

/// Everything that decides.
pub struct Deciding {
    access: AccessControl,
    config: Config,
    schedules: Schedules,
    keeper: Keeper,
    watchdog: Box<dyn Watchdog>,
    output: Output,
    summary: Summary,
    start: Instant,
    frames: Option<u64>,
    /// Turns of the inference thread when the service manager was told last, and when that was.
    pulse: (u64, Instant),
}

impl Deciding {
    /// Nobody may come in until the gallery is loaded.
    pub fn new(args: &RunArgs, config: Config, keeper: Keeper, start: Instant) -> Result<Deciding, Failure> {
        let policy = config.policy(0)?;
        Ok(Deciding {
            output: Output::new(args.json.json, args.names, policy.threshold, start),
            access: AccessControl::new(policy, AccessRules::default()),
            schedules: config.schedules()?,
            config,
            keeper,
            watchdog: watchdog(),
            summary: Summary::new(start),
            start,
            frames: args.frames,
            pulse: (0, start),
        })
    }

    /// Decides until told to stop, until the source ends, or until something fails for good; then closes
    /// the door.
    pub fn until_the_end(mut self, inbox: &Receiver<News>, shared: &Shared) -> Result<Exit, Failure> {
        let end = self.decide(inbox, shared);
        // Measured while everything is still there.
        let seen = shared.seen.load(Ordering::Relaxed);
        let totals = self.summary.finish(seen, shared.slot.dropped());
        shared.stop.store(true, Ordering::Relaxed);
        shared.slot.close();
        self.access.step(&Event::Shutdown, self.start.elapsed());
        let closed = self.keeper.shut_down();
        last_words(inbox, &self.output);
        if let Err(e) = self.watchdog.stopping() {
            log::warn!("cannot tell the service manager: {e}");
        }
        let printed = self.output.summary(&totals);
        let exit = end?;
        closed?;
        printed.map(|()| exit)
    }

    fn decide(&mut self, inbox: &Receiver<News>, shared: &Shared) -> End {
        let mut beat_at = Instant::now();
        loop {
            if Instant::now() >= beat_at {
                self.beat(shared)?;
                beat_at = Instant::now() + BEAT;
            }
            if shared.stopping() {
                return Ok(Exit::Ok);
            }
            match inbox.recv_timeout(beat_at.saturating_duration_since(Instant::now())) {
                Ok(news) => {
                    if let Some(end) = self.take(news, shared)? {
                        return Ok(end);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Exit::Failure, "all threads have ended"));
                }
            }
        }
    }

    /// Keeper, decision and service manager hear that time has passed.
    fn beat(&mut self, shared: &Shared) -> Result<(), Failure> {
        self.keeper.say(ToKeeper::Beat)?;
        self.step(&Event::Tick)?;
        let Some(interval) = self.watchdog.interval() else { return Ok(()) };
        let turns = shared.pulse.load(Ordering::Relaxed);
        if turns != self.pulse.0 && self.pulse.1.elapsed() >= interval / 2 {
            self.pulse = (turns, Instant::now());
            if let Err(e) = self.watchdog.alive() {
                log::warn!("cannot tell the service manager: {e}");
            }
        }
        Ok(())
    }

    /// Gives an exit code when it is time to end.
    fn take(&mut self, news: News, shared: &Shared) -> Result<Option<Exit>, Failure> {
        match news {
            News::Frame { sighting, times } => {
                self.summary.frame(&sighting, &times);
                self.see(sighting)?;
                let enough = self.frames.is_some_and(|frames| self.summary.processed() >= frames);
                return Ok(enough.then_some(Exit::Ok));
            }
            News::Ready { recogniser, people } => self.ready(&recogniser, people, shared)?,
            News::People(people) => {
                self.let_in(&people, shared)?;
                self.output.people(people)?;
            }
            News::CameraOpen(what) => self.output.note("camera", &what)?,
            News::CameraTrouble(what) => self.trouble(Fault::Camera, "camera-trouble", &what)?,
            News::FrameTrouble(what) => self.trouble(Fault::Camera, "frame-trouble", &what)?,
            News::EngineTrouble(what) => self.trouble(Fault::Recogniser, "engine-trouble", &what)?,
            News::Admin(what) => self.output.note("admin", &what)?,
            News::GalleryTrouble(what) => self.output.note("gallery-trouble", &what)?,
            News::Keeper(news) => {
                if let Some(said) = self.keeper.hear(news)? {
                    self.door(said)?;
                }
            }
            News::Failed(failure) => return Err(failure),
            News::Finished => return Ok(Some(Exit::Ok)),
        }
        Ok(None)
    }

    fn ready(&mut self, recogniser: &str, people: People, shared: &Shared) -> Result<(), Failure> {
        shared.standing().recogniser = recogniser.to_owned();
        self.let_in(&people, shared)?;
        self.summary.ready();
        if let Err(e) = self.watchdog.ready() {
            log::warn!("cannot tell the service manager: {e}");
        }
        self.output.ready(recogniser, people)
    }

    /// Who is enrolled may come in when the schedules say so; the threshold follows their number.
    fn let_in(&mut self, people: &People, shared: &Shared) -> Result<(), Failure> {
        let groups = people.iter().map(|(person, known)| (*person, known.group.as_deref()));
        self.access.set_rules(self.schedules.rules(groups));
        let policy = self.config.policy(people.len())?;
        let threshold = policy.threshold;
        {
            let mut standing = shared.standing();
            (standing.people, standing.threshold) = (people.len(), threshold);
        }
        self.access.set_policy(policy);
        self.output.set_threshold(threshold);
        if let Some(calibration) = self.config.calibration() {
            let target = self.config.settings.decision.target_fpir;
            self.output.threshold(people.len(), target, target < calibration.supported())?;
        }
        Ok(())
    }

    fn see(&mut self, sighting: Sighting) -> Result<(), Failure> {
        self.output.see(&sighting);
        self.step(&Event::Frame(sighting))
    }

    /// A fault voids the vote and closes the door.
    fn trouble(&mut self, fault: Fault, kind: &'static str, what: &str) -> Result<(), Failure> {
        self.output.note(kind, what)?;
        self.step(&Event::Fault(fault))
    }

    fn step(&mut self, event: &Event) -> Result<(), Failure> {
        let now = self.start.elapsed();
        let Outcome { decision, door, .. } = self.access.step(event, now);
        if let Some(command) = door {
            self.keeper.say(ToKeeper::Door(command))?;
        }
        if let Some(decision) = decision {
            self.summary.decision(&decision, now);
            self.output.decision(&decision)?;
        }
        Ok(())
    }

    /// The door's own faults end every vote.
    fn door(&mut self, said: FromKeeper) -> Result<(), Failure> {
        self.output.door(&said)?;
        if matches!(said, FromKeeper::Trouble(_)) {
            self.step(&Event::Fault(Fault::Door))?;
        }
        Ok(())
    }
}

/// What the keeper said at its end, up to the line that says that it is gone.
fn last_words(inbox: &Receiver<News>, output: &Output) {
    while let Ok(news) = inbox.recv_timeout(BEAT) {
        match news {
            News::Keeper(KeeperNews { message: Some(said), .. }) if output.door(&said).is_ok() => {}
            News::Keeper(_) => return,
            _ => {}
        }
    }
}

/// systemd when it asks for it.
fn watchdog() -> Box<dyn Watchdog> {
    match SystemdWatchdog::from_environment() {
        Ok(Some(watchdog)) => Box::new(watchdog),
        Ok(None) => Box::new(NoWatchdog),
        Err(e) => {
            log::warn!("NOTIFY_SOCKET cannot be used: {e}");
            Box::new(NoWatchdog)
        }
    }
}
