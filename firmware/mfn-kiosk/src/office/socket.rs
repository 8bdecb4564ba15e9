//! The kiosk's end of the Unix socket: a file of mode 0660 that only its group may open, and who is at the
//! other end.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode};
use rustix::net::sockopt::socket_peercred;

/// A socket that can be opened, gone when it is dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    group: Gid,
}

/// What [`Socket::open`] found.
pub enum Opened {
    /// A socket of our own.
    Ours(Socket),
    /// A kiosk that runs serves it: the process.
    Served(String),
}

/// Who is at the other end, as the kernel says.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    gid: u32,
}

impl Socket {
    /// Makes the socket; one that nobody serves any more is replaced. `group` is a name of /etc/group or a
    /// number; empty is this process's own.
    ///
    /// # Errors
    /// No such group, or the file cannot be made or given to it.
    pub fn open(path: &Path, group: &str) -> io::Result<Opened> {
        let own = rustix::process::getegid();
        let group = if group.is_empty() { own } else { group_named(group)? };
        if let Ok(stream) = UnixStream::connect(path) {
            let pid = socket_peercred(&stream).map_or("unknown".to_owned(), |peer| peer.pid.to_string());
            return Ok(Opened::Served(pid));
        }
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        // Nobody else may open it before it has its group.
        let before = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        rustix::process::umask(before);
        let socket = Socket { listener: bound?, path: path.to_owned(), group };
        if group != own {
            rustix::fs::chown(path, None, Some(group))?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
        Ok(Opened::Ours(socket))
    }

    /// The next connection.
    ///
    /// # Errors
    /// The system is out of descriptors or memory; a later call may work.
    pub fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(stream, _)| stream)
    }

    /// Takes the file away, so that commands see that nobody serves any more.
    pub fn close(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Whether the peer is root, this process's own user, or in the socket's group. The kernel has checked
    /// the file's mode already; this holds should somebody have changed that.
    pub fn admits(&self, peer: &Peer) -> bool {
        let own = rustix::process::geteuid().as_raw();
        let group = self.group.as_raw();
        peer.uid == 0 || peer.uid == own || peer.gid == group || peer.groups().contains(&group)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

impl Peer {
    /// Who that is.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn of(stream: &UnixStream) -> io::Result<Peer> {
        let peer = socket_peercred(stream)?;
        let pid = peer.pid.as_raw_nonzero().get();
        Ok(Peer { pid, uid: peer.uid.as_raw(), gid: peer.gid.as_raw() })
    }

    /// The peer's other groups; none when the process has gone.
    fn groups(&self) -> Vec<u32> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
        line.split_whitespace().filter_map(|gid| gid.parse().ok()).collect()
    }
}

/// A group of /etc/group, or a number.
fn group_named(name: &str) -> io::Result<Gid> {
    if let Ok(number) = name.parse() {
        return Ok(Gid::from_raw(number));
    }
    let file = std::fs::read_to_string("/etc/group")?;
    group_in(&file, name)
        .map(Gid::from_raw)
        .ok_or_else(|| io::Error::other(format!("admin.group: /etc/group has no group {name:?}")))
}

/// The number of a group in the text of /etc/group: `name:password:number:members`.
fn group_in(file: &str, name: &str) -> Option<u32> {
    file.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_their_whole_name() {
        let file = "root:x:0:\ndoor:x:990:ada,bob\ndoormen:x:991:\n";
        assert_eq!(group_in(file, "door"), Some(990));
        assert_eq!(group_in(file, "doo"), None);
        assert_eq!(group_in("door", "door"), None);
    }

    #[test]
    fn a_socket_is_for_its_group_only_and_replaces_a_dead_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let Opened::Ours(socket) = Socket::open(&path, "").unwrap() else { panic!("nobody serves it") };
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        assert!(
            matches!(Socket::open(&path, ""), Ok(Opened::Served(pid)) if pid == std::process::id().to_string())
        );
        // As after a kill: the file stays, nobody listens.
        drop(socket);
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        assert!(matches!(Socket::open(&path, ""), Ok(Opened::Ours(_))));
        assert!(!path.exists(), "a socket that is dropped leaves nothing behind");
    }

    #[test]
    fn own_user_and_members_are_admitted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let Opened::Ours(socket) = Socket::open(&path, "54321").unwrap() else { panic!("nobody serves it") };
        let peer = |uid, gid| Peer { pid: 0, uid, gid };
        assert!(socket.admits(&peer(0, 7)) && socket.admits(&peer(7, 54321)));
        assert!(!socket.admits(&peer(54322, 54322)));
        let itself = Peer::of(&UnixStream::connect(&path).unwrap()).unwrap();
        assert!(socket.admits(&itself));
    }
}
