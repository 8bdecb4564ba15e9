//! The lock that makes a process the one writer of a gallery.

use crate::GalleryError;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The lock's name in the gallery's folder.
pub const LOCK_FILE: &str = "gallery.lock";

/// Held until dropped, or until the process ends in whatever way.
pub(crate) struct Lock(File);

impl Lock {
    /// Makes the folder where it is missing, and takes its lock.
    pub(crate) fn take(dir: &Path) -> Result<Lock, GalleryError> {
        let path = dir.join(LOCK_FILE);
        let failed = |source: io::Error| GalleryError::Folder { path: path.clone(), source };
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| GalleryError::Folder { path: dir.to_owned(), source })?;
        let mut file = open(&path).map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(GalleryError::Locked { path: dir.to_owned(), pid: holder(&mut file) })
            }
            Err(e) => Err(failed(e.into())),
            Ok(()) => {
                let pid = format!("{}\n", std::process::id());
                file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(failed)?;
                Ok(Lock(file))
            }
        }
    }
}

impl Drop for Lock {
    /// Given back by name: a child that is just being started has a copy of the descriptor for a
    /// moment, and closing ours alone would leave the lock with it.
    fn drop(&mut self) {
        if let Err(e) = rustix::fs::flock(&self.0, FlockOperation::Unlock) {
            log::warn!("the gallery's lock cannot be given back: {e}");
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

/// The process that the lock file names.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    match text.trim().parse::<u32>() {
        Ok(pid) if read.is_ok() => pid.to_string(),
        _ => "unknown".to_owned(),
    }
}
