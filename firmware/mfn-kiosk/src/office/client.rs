//! The commands' side: asks the kiosk that runs, or works alone where none does.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use mfn_admin::{MAX_REPLY, Reply, Request};
use mfn_gallery::{FileGallery, Gallery};

use super::apply::apply;
use super::talk::{TalkError, receive, send};
use crate::config::Config;
use crate::enrolment::PATIENCE;
use crate::exit::{Exit, Failure, OrExit};

/// Longest wait for the kiosk to take a request.
const SENDING: Duration = Duration::from_secs(10);
/// Longest silence of the kiosk: somebody who stands in front of its camera, and then some.
const SILENCE: Duration = Duration::from_secs(PATIENCE.as_secs() + 30);

/// Lets the kiosk that runs on the gallery in this folder do it, else does it here, on what `open` opens.
///
/// # Errors
/// The kiosk refuses or does not answer, or what [`apply`] says.
pub fn carry_out(
    config: &Config,
    gallery: &Path,
    request: &Request,
    open: &dyn Fn() -> Result<FileGallery, Failure>,
) -> Result<Reply, Failure> {
    if let Some(reply) = ask(config, gallery, request, &mut |_| {})? {
        return Ok(reply);
    }
    let mut gallery = open()?;
    let limits = config.enrolment_similarities(gallery.people().len());
    apply(request, &mut gallery, &limits)
}

/// Asks the kiosk that runs on the gallery in this folder; none when there is none. `told` hears what
/// comes before the last reply.
///
/// # Errors
/// The socket may not be opened, the kiosk refuses or does not answer.
pub fn ask(
    config: &Config,
    gallery: &Path,
    request: &Request,
    told: &mut dyn FnMut(Reply),
) -> Result<Option<Reply>, Failure> {
    let Some(path) = config.socket(gallery) else { return Ok(None) };
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e) if is_absent(e.kind()) => return Ok(None),
        Err(e) => {
            let what = format!(
                "the running kiosk's socket {} cannot be opened: {e}; its group may open it",
                path.display()
            );
            return Err(Failure::new(Exit::Kiosk, what));
        }
    };
    let failed = |e: TalkError| {
        let what = format!("the running kiosk at {} gives no answer: {e}", path.display());
        Failure::new(Exit::Kiosk, what)
    };
    let frame = request.frame().or_exit(Exit::Usage)?;
    // A kiosk that refuses may have closed before all was sent; what it said is there nevertheless.
    let sent = send(&mut stream, &frame, SENDING);
    loop {
        let body = receive(&mut stream, MAX_REPLY, SILENCE).map_err(|e| failed(sent_or(&sent, e)))?;
        match Reply::parse(&body).map_err(|e| failed(e.into()))? {
            Reply::Refused { exit, message } => return Err(Failure::new(Exit::from_number(exit), message)),
            reply if reply.is_last() => return Ok(Some(reply)),
            reply => told(reply),
        }
    }
}

/// What went wrong first.
fn sent_or(sent: &Result<(), TalkError>, received: TalkError) -> TalkError {
    match sent {
        Err(TalkError::Slow) => TalkError::Slow,
        _ => received,
    }
}

/// No kiosk has ever been there, or one that has gone left its socket. A folder that is none says so itself.
fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory)
}
