//! The running kiosk's side: a thread that waits for connections, and one for each of a few at a time. Only
//! those threads wait for a peer; the kiosk's other threads get finished requests.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use mfn_admin::{Reference, Status};
use mfn_gallery::{Access, FileGallery};
use mfn_template::TemplateSpace;

use super::attend::{Office, refusal, reply};
use super::socket::{Peer, Socket};
use crate::enrolment::checks::Limits;
use crate::exit::{Exit, Failure};

/// Connections at a time; more are turned away at once.
const MOST: usize = 4;
/// Pause after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(500);

/// What the office needs of the kiosk that it belongs to.
pub trait Desk: Send + Sync {
    /// Opens the kiosk's gallery.
    ///
    /// # Errors
    /// It cannot be opened, or somebody else writes.
    fn open(&self, access: Access) -> Result<FileGallery, Failure>;

    /// Similarities that enrolments are judged by now.
    fn limits(&self) -> Limits;

    /// How the kiosk is.
    fn status(&self) -> Status;

    /// The gallery was changed.
    fn changed(&self);

    /// Gathers so many good frames of whoever stands in front of the camera.
    ///
    /// # Errors
    /// Somebody is being enrolled there already.
    fn gather(&self, frames: usize) -> Result<Receiver<Gathered>, Failure>;

    /// One line for the record; no names.
    fn note(&self, what: String);
}

/// What comes from the camera while a person is enrolled in front of it.
pub enum Gathered {
    /// What to do better, or how many are good.
    Said(String),
    /// A frame more was looked at.
    Looked,
    /// All references and the networks that made them, or why there are none.
    Done(Result<(Vec<Reference>, TemplateSpace), Failure>),
}

/// The office and how many are in it.
struct Hours {
    office: Office,
    busy: AtomicUsize,
}

/// Serves the socket for as long as the process lives.
pub fn serve(socket: &Socket, desk: Box<dyn Desk>) -> ! {
    let hours = Arc::new(Hours { office: Office::new(desk), busy: AtomicUsize::new(0) });
    loop {
        let stream = match socket.accept() {
            Ok(stream) => stream,
            Err(e) => {
                log::warn!("a connection to the socket could not be taken: {e}");
                thread::sleep(PAUSE);
                continue;
            }
        };
        let Ok(peer) = Peer::of(&stream) else { continue };
        if !socket.admits(&peer) {
            hours.office.note(peer, "may not use the socket");
            continue;
        }
        receive_peer(&hours, stream, peer);
    }
}

/// Gives a peer a thread, unless there are too many.
fn receive_peer(hours: &Arc<Hours>, mut stream: UnixStream, peer: Peer) {
    if hours.busy.fetch_add(1, Ordering::AcqRel) >= MOST {
        let full = refusal(&Failure::new(Exit::Kiosk, "the kiosk is busy with other commands: try again"));
        // A few bytes go into the socket's buffer at once.
        let _ = reply(&mut stream, &full);
        hours.busy.fetch_sub(1, Ordering::AcqRel);
        return;
    }
    let theirs = Arc::clone(hours);
    let body = move || {
        theirs.office.attend(stream, peer);
        theirs.busy.fetch_sub(1, Ordering::AcqRel);
    };
    if let Err(e) = thread::Builder::new().name("office".to_owned()).spawn(body) {
        log::warn!("no thread for a connection: {e}");
        hours.busy.fetch_sub(1, Ordering::AcqRel);
    }
}
