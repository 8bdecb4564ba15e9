//! All that the store asks of a disk, so that tests can put another one below it.

use crate::GalleryError;
use crate::lock::Lock;
use rustix::fs::{Mode, OFlags};
use std::any::Any;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read.
    Read,
    /// To read and to write in place.
    Update,
    /// To write anew; it must not be there.
    Create,
}

/// The folder of one gallery. Names are plain file names.
pub trait Disk: Send + Sync {
    /// Where it is, for messages.
    fn path(&self) -> &Path;

    /// Makes the folder and the calling process its one writer, as long as the result lives.
    ///
    /// # Errors
    /// Another process is the writer, or the folder cannot be made or written.
    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, GalleryError>;

    /// Opens a plain file.
    ///
    /// # Errors
    /// Those of the operating system; `NotFound` when there is none.
    fn open(&self, name: &str, mode: Purpose) -> io::Result<Box<dyn DiskFile>>;

    /// What tells the file that has this name now from all others that exist; none where there is none.
    ///
    /// # Errors
    /// Those of the operating system.
    fn identity(&self, name: &str) -> io::Result<Option<Identity>>;

    /// Puts a file in another's place.
    ///
    /// # Errors
    /// Those of the operating system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file one more name, which must be free.
    ///
    /// # Errors
    /// Those of the operating system; not every file system can do it.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names last.
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync_folder(&self) -> io::Result<()>;
}

/// Device and inode.
pub type Identity = (u64, u64);

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn size(&self) -> io::Result<u64>;

    /// See [`Disk::identity`].
    ///
    /// # Errors
    /// Those of the operating system.
    fn identity(&self) -> io::Result<Identity>;

    /// Reads up to `bytes.len()` bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes up to `bytes.len()` bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;

    /// Makes the content, and a new length, last.
    ///
    /// # Errors
    /// Those of the operating system; after one, nothing is known about what was written.
    fn sync(&self) -> io::Result<()>;

    /// Reads all of `bytes`.
    ///
    /// # Errors
    /// Those of the operating system, or the file ends before.
    fn read_all_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.read_at(bytes, at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => (bytes, at) = (&mut bytes[n..], at + n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Those of the operating system; any part may have been written.
    fn write_all_at(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(bytes, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => (bytes, at) = (&bytes[n..], at + n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// A folder of the real file system.
pub struct Folder(PathBuf);

impl Folder {
    /// The folder; it need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Folder {
        Folder(path.to_owned())
    }
}

impl Disk for Folder {
    fn path(&self) -> &Path {
        &self.0
    }

    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, GalleryError> {
        Ok(Box::new(Lock::take(&self.0)?))
    }

    fn open(&self, name: &str, mode: Purpose) -> io::Result<Box<dyn DiskFile>> {
        let how = match mode {
            Purpose::Read => OFlags::RDONLY,
            Purpose::Update => OFlags::RDWR,
            Purpose::Create => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        // Does not follow links, and does not wait on a pipe.
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(self.0.join(name), flags, Mode::RUSR | Mode::WUSR)?);
        if file.metadata()?.is_file() {
            Ok(Box::new(file))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"))
        }
    }

    fn identity(&self, name: &str) -> io::Result<Option<Identity>> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(meta) => Ok(Some((meta.dev(), meta.ino()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl DiskFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn identity(&self) -> io::Result<Identity> {
        let meta = self.metadata()?;
        Ok((meta.dev(), meta.ino()))
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
