//! `run`: the kiosk. Threads: `capture` (camera to slot), `inference` (slot to sightings), and this one,
//! which decides (`deciding`), speaks to the door's own process, and prints (`output`).

mod capture;
mod deciding;
mod inference;
mod news;
mod output;
mod summary;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

use mfn_vision::Frame;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::cli::RunArgs;
use crate::config::Config;
use crate::exit::{Exit, Failure, OrExit};
use crate::keeper::Keeper;
use crate::limits;
use crate::newest::Newest;
use deciding::Deciding;
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
}

impl Shared {
    /// Tells the deciding thread; at the very end it may have gone already.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
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
    let policy = config.policy()?;
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
    let (seen, pulse) = (AtomicU64::new(0), AtomicU64::new(0));
    let shared = Arc::new(Shared { slot: Newest::new(Frame::empty()), seen, pulse, stop, news });
    let deciding = Deciding::new(args, policy, keeper, start);
    let infer_args = args.clone();
    spawn("capture", &shared, move |shared| capture::capture(&camera, shared))?;
    spawn("inference", &shared, move |shared| inference::infer(&config, &infer_args, shared))?;
    deciding.until_the_end(&inbox, &shared)
}

/// Starts a thread whose failure ends the program, with the door closed.
fn spawn(
    name: &'static str,
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let shared = Arc::clone(shared);
    let body = move || {
        if let Err(failure) = work(&shared) {
            shared.tell(News::Failed(failure));
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).or_exit(Exit::Failure).map(drop)
}
