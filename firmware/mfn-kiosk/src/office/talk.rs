//! Frames over a stream, each with a deadline for the whole of it: a peer that sends a byte now and then
//! gets no longer than one that sends nothing.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mfn_admin::{HEADER, WireError, body_length};
use rustix::io::Errno;
use rustix::net::RecvFlags;

/// Bytes that are read at once: memory grows with what has come, not with what a header claims.
const CHUNK: usize = 16 << 10;

/// Why a message did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// Too slow.
    #[error("the other side took too long")]
    Slow,
    /// It closed the connection.
    #[error("the other side has gone")]
    Gone,
    /// What came is no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Io(io::Error),
}

impl From<io::Error> for TalkError {
    fn from(error: io::Error) -> TalkError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TalkError::Slow,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                TalkError::Gone
            }
            _ => TalkError::Io(error),
        }
    }
}

/// The JSON of the next message, of at most `limit` bytes.
///
/// # Errors
/// When it is not there in time, or is no message.
pub fn receive(stream: &mut UnixStream, limit: usize, patience: Duration) -> Result<Vec<u8>, TalkError> {
    let deadline = Instant::now() + patience;
    let mut header = [0; HEADER];
    fill(stream, &mut header, deadline)?;
    let length = body_length(header, limit)?;
    let mut body = Vec::new();
    while body.len() < length {
        let start = body.len();
        body.resize(length.min(start + CHUNK), 0);
        fill(stream, &mut body[start..], deadline)?;
    }
    Ok(body)
}

/// Sends a frame.
///
/// # Errors
/// When it is not taken in time.
pub fn send(stream: &mut UnixStream, frame: &[u8], patience: Duration) -> Result<(), TalkError> {
    let deadline = Instant::now() + patience;
    let mut rest = frame;
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        match stream.write(rest) {
            Ok(0) => return Err(TalkError::Gone),
            Ok(sent) => rest = &rest[sent..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Whether the other side has closed the connection; waits for nothing.
pub fn has_gone(stream: &UnixStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    matches!(rustix::net::recv(stream, &mut [0_u8; 1], flags), Ok((_, 0)) | Err(Errno::CONNRESET))
}

fn fill(stream: &mut UnixStream, bytes: &mut [u8], deadline: Instant) -> Result<(), TalkError> {
    let mut filled = 0;
    while filled < bytes.len() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(TalkError::Gone),
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn left(deadline: Instant) -> Result<Duration, TalkError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(TalkError::Slow) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_admin::{MAX_REQUEST, Request};
    use std::thread;

    #[test]
    fn a_message_in_pieces_arrives() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let frame = Request::Status.frame().unwrap();
        let sender = thread::spawn(move || {
            for byte in &frame {
                far.write_all(&[*byte]).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
        let body = receive(&mut near, MAX_REQUEST, Duration::from_secs(5)).unwrap();
        assert_eq!(Request::parse(&body), Ok(Request::Status));
        sender.join().unwrap();
    }

    /// A byte every 20 ms does not stretch the 100 ms that the whole message has.
    #[test]
    fn drops_do_not_stretch_the_deadline() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let sender = thread::spawn(move || {
            while far.write_all(b"M").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let start = Instant::now();
        let frame = receive(&mut near, MAX_REQUEST, Duration::from_millis(100));
        assert!(matches!(frame, Err(TalkError::Slow | TalkError::Wire(_))), "{frame:?}");
        assert!(start.elapsed() < Duration::from_secs(2));
        drop(near);
        sender.join().unwrap();
    }

    #[test]
    fn silence_a_hang_up_and_a_full_pipe_end() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let patience = Duration::from_millis(50);
        assert!(matches!(receive(&mut near, MAX_REQUEST, patience), Err(TalkError::Slow)));
        assert!(matches!(send(&mut near, &vec![0; 10 << 20], patience), Err(TalkError::Slow)));
        drop(far);
        assert!(matches!(receive(&mut near, MAX_REQUEST, patience), Err(TalkError::Gone)));
    }
}
