//! The kiosk behind the office's socket: what [`crate::office`] needs of a kiosk that runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver};

use mfn_admin::Status;
use mfn_gallery::{Access, FileGallery};

use super::Shared;
use super::errand::Errand;
use super::news::News;
use crate::cli::RunArgs;
use crate::config::Config;
use crate::engines::{Chosen, GalleryPlace};
use crate::enrolment::checks::Limits;
use crate::exit::{Exit, Failure};
use crate::office::{Desk, Gathered, Opened, Socket};

/// The kiosk as the office sees it.
pub struct Counter {
    config: Config,
    place: GalleryPlace,
    shared: Arc<Shared>,
}

impl Counter {
    /// Of the kiosk whose threads share this.
    pub fn new(config: &Config, chosen: &Chosen, args: &RunArgs, shared: &Arc<Shared>) -> Counter {
        let place = chosen.gallery_place(config, &config.gallery(&args.gallery));
        Counter { config: config.clone(), place, shared: Arc::clone(shared) }
    }
}

/// Opens the socket. A kiosk without one still opens the door, so only a second kiosk on the same gallery
/// is an error.
///
/// # Errors
/// Another kiosk runs on this gallery.
pub fn open_socket(config: &Config, args: &RunArgs) -> Result<Option<Socket>, Failure> {
    let dir = config.gallery(&args.gallery);
    let Some(path) = config.socket(&dir) else { return Ok(None) };
    match Socket::open(&path, &config.settings.admin.group) {
        Ok(Opened::Ours(socket)) => Ok(Some(socket)),
        Ok(Opened::Served(pid)) => {
            let what = format!(
                "another mfn-kiosk, process {pid}, runs on the gallery {}: stop it first",
                dir.display()
            );
            Err(Failure::new(Exit::Gallery, what))
        }
        Err(e) => {
            log::warn!(
                "no socket at {}: {e}; the door works, commands change the gallery themselves (admin.socket names another place)",
                path.display()
            );
            Ok(None)
        }
    }
}

impl Desk for Counter {
    fn open(&self, access: Access) -> Result<FileGallery, Failure> {
        self.place.open(access)
    }

    fn limits(&self) -> Limits {
        self.config.enrolment_similarities(self.shared.standing().people)
    }

    fn status(&self) -> Status {
        let standing = self.shared.standing();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: self.shared.start.elapsed().as_secs(),
            recogniser: standing.recogniser.clone(),
            people: standing.people,
            threshold: standing.threshold,
            frames_seen: self.shared.seen.load(Ordering::Relaxed),
            frames_dropped: self.shared.slot.dropped(),
        }
    }

    fn changed(&self) {
        let _ = self.shared.errands.send(Errand::LookAtGallery);
    }

    fn gather(&self, frames: usize) -> Result<Receiver<Gathered>, Failure> {
        let (replies, gathered) = mpsc::channel();
        let gone = |_| Failure::new(Exit::Kiosk, "the kiosk is ending");
        self.shared.errands.send(Errand::Gather { frames, replies }).map_err(gone)?;
        Ok(gathered)
    }

    fn note(&self, what: String) {
        self.shared.tell(News::Admin(what));
    }
}
