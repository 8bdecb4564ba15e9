//! One peer after the other: its request, the answer, and the gallery that is changed by it.

use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mfn_admin::{MAX_REQUEST, Reference, Reply, Request, WireError};
use mfn_gallery::{Access, FileGallery, Gallery};
use mfn_template::TemplateSpace;

use super::apply::apply;
use super::serve::{Desk, Gathered};
use super::socket::Peer;
use super::talk::{TalkError, has_gone, receive, send};
use crate::enrolment::PATIENCE;
use crate::exit::{Exit, Failure};

/// Longest time that a request may take to arrive, or a reply to be taken.
const TALKING: Duration = Duration::from_secs(3);
/// Pause between two pieces of a compaction, in which a change has its turn.
const BREATH: Duration = Duration::from_millis(20);

/// Answers peers, from several threads.
pub struct Office {
    desk: Box<dyn Desk>,
    /// Held by whoever changes the gallery, which stays open from the first piece of a compaction to the last.
    writer: Mutex<Option<FileGallery>>,
}

impl Office {
    /// Of a kiosk.
    pub fn new(desk: Box<dyn Desk>) -> Office {
        Office { desk, writer: Mutex::new(None) }
    }

    /// One line about a peer for the record; no names.
    pub fn note(&self, peer: Peer, what: &str) {
        self.desk.note(format!("uid {} pid {}: {what}", peer.uid, peer.pid));
    }

    /// Serves a peer, and empties the journal afterwards where that is due.
    pub fn attend(&self, mut stream: UnixStream, peer: Peer) {
        if let Err(e) = self.converse(&mut stream, peer) {
            self.note(peer, &e.to_string());
        }
        drop(stream);
        self.make_room();
    }

    /// One request and its replies.
    fn converse(&self, stream: &mut UnixStream, peer: Peer) -> Result<(), TalkError> {
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
            self.note(peer, &what);
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
        let mut writer = self.writer();
        let mut gallery = match writer.take() {
            Some(gallery) => gallery,
            None => self.desk.open(Access::Write)?,
        };
        let done = apply(request, &mut gallery, &self.desk.limits());
        self.desk.changed();
        *writer = Some(gallery).filter(FileGallery::wants_compaction);
        done
    }

    /// Empties a journal that is nearly full, a piece at a time: changes come between the pieces, and none has
    /// to wait for a compaction as a whole.
    fn make_room(&self) {
        while self.compact_some() {
            thread::sleep(BREATH);
        }
    }

    /// False when nothing is left to do.
    fn compact_some(&self) -> bool {
        let mut writer = self.writer();
        let Some(gallery) = writer.as_mut() else { return false };
        let more = gallery.compact_some().unwrap_or_else(|e| {
            log::warn!("the gallery's journal could not be emptied, the next change tries again: {e}");
            false
        });
        if !more {
            *writer = None;
        }
        more
    }

    fn writer(&self) -> MutexGuard<'_, Option<FileGallery>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
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
                Ok(Gathered::Looked) if has_gone(stream) => return Err(TalkError::Gone),
                Ok(Gathered::Looked) => {}
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

/// Sends a reply.
///
/// # Errors
/// The peer does not take it.
pub fn reply(stream: &mut UnixStream, reply: &Reply) -> Result<(), TalkError> {
    send(stream, &reply.frame()?, TALKING)
}

/// The reply that says why not.
pub fn refusal(failure: &Failure) -> Reply {
    let mut message = failure.error.to_string();
    message.truncate(message.floor_char_boundary(8 << 10));
    Reply::Refused { exit: failure.exit as u8, message }
}

fn unreadable(error: &WireError) -> Reply {
    refusal(&Failure::new(Exit::Kiosk, format!("the running kiosk did not understand: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::checks::Limits;
    use mfn_admin::{Status, Who};
    use mfn_gallery::{Folder, GalleryKey};
    use mfn_template::Template;
    use std::path::PathBuf;
    use std::sync::mpsc::{self, Receiver};

    /// A kiosk with a journal of eight slots and a camera that shows nobody.
    struct Small(PathBuf);

    fn space() -> TemplateSpace {
        TemplateSpace::new("test").unwrap()
    }

    impl Desk for Small {
        fn open(&self, access: Access) -> Result<FileGallery, Failure> {
            let (disk, key) = (Box::new(Folder::new(&self.0)), GalleryKey::from_bytes(&[7; 32]));
            Ok(FileGallery::open_on(disk, &space(), 4, access, &key, 8).unwrap())
        }

        fn limits(&self) -> Limits {
            Limits { same: -1.0, look_alike: 2.0 }
        }

        fn status(&self) -> Status {
            unreachable!("nobody asks")
        }

        fn changed(&self) {}

        fn gather(&self, _: usize) -> Result<Receiver<Gathered>, Failure> {
            let (frames, gathered) = mpsc::channel();
            thread::spawn(move || {
                while frames.send(Gathered::Looked).is_ok() {
                    thread::sleep(Duration::from_millis(5));
                }
            });
            Ok(gathered)
        }

        fn note(&self, _: String) {}
    }

    fn enrol(name: &str) -> Request {
        let template = Template::normalise(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        let references = vec![Reference { from: "photo".to_owned(), quality: 0.5, template }];
        let who = Who { name: name.parse().unwrap(), changes: Vec::new(), add: false, force: true };
        Request::Enrol { who, space: space(), references }
    }

    fn office(dir: &std::path::Path) -> Office {
        Office::new(Box::new(Small(dir.to_owned())))
    }

    #[test]
    fn a_journal_that_fills_is_emptied_between_changes() {
        let folder = tempfile::tempdir().unwrap();
        let office = office(folder.path());
        let names = ["Ann", "Ben", "Cid", "Dan", "Eve", "Fay", "Gus"];
        names.iter().for_each(|name| drop(office.change(&enrol(name)).unwrap()));
        assert!(office.compact_some(), "the journal is nearly full");
        // A change between two pieces goes through the gallery that is being compacted.
        office.change(&enrol("Ida")).unwrap();
        office.make_room();
        assert!(office.writer().is_none(), "the gallery is free for other writers");
        let gallery = office.desk.open(Access::Write).unwrap();
        assert_eq!((gallery.people().len(), gallery.free_slots()), (8, 7));
    }

    #[test]
    fn a_peer_that_goes_ends_an_enrolment() {
        let folder = tempfile::tempdir().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(far);
        });
        let start = std::time::Instant::now();
        assert!(matches!(office(folder.path()).gather(1, &mut near), Err(TalkError::Gone)));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
