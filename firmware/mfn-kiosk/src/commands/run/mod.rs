//! `run`: the kiosk. Threads: `capture` (camera to slot), `inference` (slot to sightings), and this one,
//! which decides (`deciding`), speaks to the door's own process, and prints (`output`). The office's threads
//! (`counter`) serve the administrator's commands, and one removes people when their time has come (`erasure`).

mod capture;
mod counter;
mod deciding;
mod erasure;
mod errand;
mod inference;
mod news;
mod output;
mod summary;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use mfn_vision::Frame;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::cli::RunArgs;
use crate::config::Config;
use crate::engines;
use crate::exit::{Exit, Failure, OrExit};
use crate::keeper::Keeper;
use crate::limits;
use crate::newest::Newest;
use crate::office;
use counter::Counter;
use deciding::Deciding;
use errand::Errand;
use news::News;

/// What the threads have in common.
pub struct Shared {
    /// Between capture and inference.
    slot: Newest<Frame>,
    /// Frames that the camera gave.
    seen: AtomicU64,
    /// Counts the turns of the inference thread, to tell a slow one from a hanging one.
    pulse: AtomicU64,
    /// SIGTERM or Ctrl-C came, or the end is near for another reason.
    stop: Arc<AtomicBool>,
    news: Sender<News>,
    /// To the inference thread.
    errands: Sender<Errand>,
    standing: Mutex<Standing>,
    start: Instant,
}

/// What `status` tells beside the counters.
#[derive(Default)]
pub struct Standing {
    recogniser: String,
    people: usize,
    threshold: f32,
}

impl Shared {
    /// Tells the deciding thread; at the very end it may have gone already.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Never held for longer than a copy takes.
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

pub fn execute(args: &RunArgs) -> Result<Exit, Failure> {
    let start = Instant::now();
    limits::no_core_dumps()?;
    let mut config = Config::load(&args.with.file)?;
    if args.as_fast {
        config.settings.camera.pace = "fastest".to_owned();
    }
    let camera = config.camera(args.source.source.as_deref(), start)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).or_exit(Exit::Failure)?;
    }
    let (news, inbox) = mpsc::channel();
    let keeper_news = news.clone();
    // First of all the door: its keeper closes the line before anything else can fail.
    let keeper = Keeper::start(&config.settings.door, config.door()?, move |said| {
        let _ = keeper_news.send(News::Keeper(said));
    })?;
    let chosen = engines::choose(&mut config, &args.with)?;
    let policy = config.policy(0)?;
    let socket = counter::open_socket(&config, args)?;
    let (errands, errands_in) = mpsc::channel();
    let standing = Mutex::new(Standing { threshold: policy.threshold, ..Standing::default() });
    let (seen, pulse, slot) = (AtomicU64::new(0), AtomicU64::new(0), Newest::new(Frame::empty()));
    let shared = Arc::new(Shared { slot, seen, pulse, stop, news, errands, standing, start });
    let deciding = Deciding::new(args, config.clone(), keeper, start)?;
    let socket = socket.map(Arc::new);
    if let Some(socket) = socket.clone() {
        let counter = Counter::new(&config, &chosen, args, &shared);
        spawn("office", &shared, move |_| office::serve(&socket, Box::new(counter)))?;
    }
    let infer_args = args.clone();
    spawn("capture", &shared, move |shared| capture::capture(&camera, shared))?;
    spawn("inference", &shared, move |shared| {
        inference::infer(&config, &chosen, &infer_args, shared, &errands_in)
    })?;
    let end = deciding.until_the_end(&inbox, &shared);
    if let Some(socket) = socket {
        socket.close();
    }
    end
}

/// Starts a thread whose failure ends the program, with the door closed.
fn spawn(
    name: &'static str,
    shared: &Arc<Shared>,
    work: impl FnOnce(&Arc<Shared>) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let shared = Arc::clone(shared);
    let body = move || {
        if let Err(failure) = work(&shared) {
            shared.tell(News::Failed(failure));
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).or_exit(Exit::Failure).map(drop)
}
