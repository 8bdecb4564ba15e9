//! The running kiosk's side: a thread that waits for connections, and one for each of a few at a time. Only
//! those threads wait for a peer; the kiosk's other threads get finished requests.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use mfn_admin::{MAX_REQUEST, Reference, Reply, Request, Status, WireError};
use mfn_gallery::{Access, FileGallery, Gallery};
use mfn_template::TemplateSpace;

use super::apply::apply;
use super::socket::{Peer, Socket};
use super::talk::{TalkError, receive, send};
use crate::enrolment::PATIENCE;
use crate::enrolment::checks::Limits;
use crate::exit::{Exit, Failure};

/// Connections at a time; more are turned away at once.
const MOST: usize = 4;
/// Longest time that a request may take to arrive, or a reply to be taken.
const TALKING: Duration = Duration::from_secs(3);
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
    /// All references and the networks that made them, or why there are none.
    Done(Result<(Vec<Reference>, TemplateSpace), Failure>),
}

struct Office {
    desk: Box<dyn Desk>,
    /// Held by whoever changes the gallery.
    writing: Mutex<()>,
    busy: AtomicUsize,
}

/// Serves the socket for as long as the process lives.
pub fn serve(socket: &Socket, desk: Box<dyn Desk>) -> ! {
    let office = Arc::new(Office { desk, writing: Mutex::new(()), busy: AtomicUsize::new(0) });
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
            office.desk.note(format!("uid {} pid {} may not use the socket", peer.uid, peer.pid));
            continue;
        }
        receive_peer(&office, stream, peer);
    }
}

/// Gives a peer a thread, unless there are too many.
fn receive_peer(office: &Arc<Office>, mut stream: UnixStream, peer: Peer) {
    if office.busy.fetch_add(1, Ordering::AcqRel) >= MOST {
        let full = refusal(&Failure::new(Exit::Kiosk, "the kiosk is busy with other commands: try again"));
        // A few bytes go into the socket's buffer at once.
        let _ = reply(&mut stream, &full);
        office.busy.fetch_sub(1, Ordering::AcqRel);
        return;
    }
    let theirs = Arc::clone(office);
    let body = move || {
        if let Err(e) = theirs.attend(&mut stream, peer) {
            theirs.desk.note(format!("uid {} pid {}: {e}", peer.uid, peer.pid));
        }
        theirs.busy.fetch_sub(1, Ordering::AcqRel);
    };
    if let Err(e) = thread::Builder::new().name("office".to_owned()).spawn(body) {
        log::warn!("no thread for a connection: {e}");
        office.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Office {
    /// One request and its replies.
    fn attend(&self, stream: &mut UnixStream, peer: Peer) -> Result<(), TalkError> {
        let body = receive(stream, MAX_REQUEST, TALKING);
        let request = body.and_then(|body| Ok(Request::parse(&body)?));
        let request = match request {
            Ok(request) => request,
            Err(TalkError::Wire(e)) => {
                reply(stream, &unreadable(&e))?;
                return Err(e.into());
            }
            Err(e) => return Err(e),
        };
        let answer = self.answer(&request, stream)?;
        let last = answer.unwrap_or_else(|failure| refusal(&failure));
        if let Some(what) = record(&request, &last) {
            self.desk.note(format!("uid {} pid {}: {what}", peer.uid, peer.pid));
        }
        reply(stream, &last)
    }

    /// The last reply; those before it are sent.
    fn answer(
        &self,
        request: &Request,
        stream: &mut UnixStream,
    ) -> Result<Result<Reply, Failure>, TalkError> {
        Ok(match request {
            Request::Status => Ok(Reply::Status(self.desk.status())),
            Request::List => match self.desk.open(Access::Read) {
                Err(failure) => Err(failure),
                Ok(gallery) => {
                    for person in gallery.people() {
                        reply(stream, &Reply::Person(person.into()))?;
                    }
                    Ok(Reply::End)
                }
            },
            Request::EnrolHere { who, frames } => match self.gather(*frames, stream)? {
                Err(failure) => Err(failure),
                Ok((references, space)) => {
                    self.change(&Request::Enrol { who: who.clone(), space, references })
                }
            },
            request => self.change(request),
        })
    }

    /// Changes the gallery; the kiosk is the one writer while it runs, one change after the other.
    fn change(&self, request: &Request) -> Result<Reply, Failure> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gallery = self.desk.open(Access::Write)?;
        let done = apply(request, &mut gallery, &self.desk.limits());
        self.desk.changed();
        done
    }

    /// Frames of the kiosk's camera, with what is said in the meantime. A peer that goes ends it.
    fn gather(
        &self,
        frames: usize,
        stream: &mut UnixStream,
    ) -> Result<Result<(Vec<Reference>, TemplateSpace), Failure>, TalkError> {
        let gathered = match self.desk.gather(frames) {
            Ok(gathered) => gathered,
            Err(failure) => return Ok(Err(failure)),
        };
        loop {
            match gathered.recv_timeout(2 * PATIENCE) {
                Ok(Gathered::Said(what)) => reply(stream, &Reply::Progress(what))?,
                Ok(Gathered::Done(done)) => return Ok(done),
                Err(_) => {
                    let what = "the kiosk looked at no frames: `mfn-kiosk status` says how it is";
                    return Ok(Err(Failure::new(Exit::Camera, what)));
                }
            }
        }
    }
}

/// One line for the record where something was changed or refused; people by number.
fn record(request: &Request, last: &Reply) -> Option<String> {
    let what = match request {
        Request::Status | Request::List => return None,
        Request::Enrol { .. } => "enrol",
        Request::EnrolHere { .. } => "enrol here",
        Request::Rename { .. } => "rename",
        Request::Remove { .. } => "remove",
        Request::Edit { .. } => "edit",
    };
    Some(match last {
        Reply::Enrolled { id, .. } | Reply::Changed { id, .. } => format!("{what} #{id}"),
        Reply::Refused { exit, .. } => format!("{what} refused, exit code {exit}"),
        _ => what.to_owned(),
    })
}

fn reply(stream: &mut UnixStream, reply: &Reply) -> Result<(), TalkError> {
    send(stream, &reply.frame()?, TALKING)
}

fn refusal(failure: &Failure) -> Reply {
    let mut message = failure.error.to_string();
    message.truncate(message.floor_char_boundary(8 << 10));
    Reply::Refused { exit: failure.exit as u8, message }
}

fn unreadable(error: &WireError) -> Reply {
    refusal(&Failure::new(Exit::Kiosk, format!("the running kiosk did not understand: {error}")))
}
