//! The gallery in a folder: reading, replacing, noticing changes.

use crate::lock::Lock;
use crate::snapshot::Snapshot;
use crate::{EnrolTemplate, Enrolment, Gallery, GalleryError, Person, PersonName, Problem, format};
use mfn_template::{Candidates, PersonId, Template, TemplateSpace};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The snapshot's name in the gallery's folder.
pub const SNAPSHOT_FILE: &str = "gallery.mfn";
const NEW_FILE: &str = "gallery.mfn.new";

/// What a gallery is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any number of processes at a time; a missing folder is an empty gallery.
    Read,
    /// One process at a time; a missing folder is made.
    Write,
}

/// A gallery in a folder, as `FORMAT.md` describes it. All of it is in memory as well.
pub struct FileGallery {
    dir: PathBuf,
    dimension: usize,
    snapshot: Snapshot,
    /// Of the snapshot file when it was last read or written, sound or not; none if missing.
    stamp: Option<Stamp>,
    /// Held as long as this gallery may write.
    lock: Option<Lock>,
}

impl FileGallery {
    /// Opens the gallery in a folder for the templates of one recogniser. A folder without a
    /// snapshot is an empty gallery.
    ///
    /// # Errors
    /// When the snapshot is unusable (see [`Problem`]), or, for writing, when another process
    /// writes or the folder cannot be made.
    pub fn open(
        dir: &Path,
        space: &TemplateSpace,
        dimension: usize,
        access: Access,
    ) -> Result<FileGallery, GalleryError> {
        let lock = match access {
            Access::Read => None,
            Access::Write => Some(Lock::take(dir)?),
        };
        let snapshot = Snapshot::empty(space.clone(), dimension);
        let mut gallery = FileGallery { dir: dir.to_owned(), dimension, snapshot, stamp: None, lock };
        if let Some((snapshot, stamp)) = gallery.load().map_err(|p| gallery.unusable(p))? {
            (gallery.snapshot, gallery.stamp) = (snapshot, Some(stamp));
        }
        Ok(gallery)
    }

    /// Grows by one with every change that was ever made.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot.generation
    }

    /// The networks whose templates these are.
    #[must_use]
    pub fn space(&self) -> &TemplateSpace {
        &self.snapshot.space
    }

    /// Values a template.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The snapshot's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(SNAPSHOT_FILE)
    }

    fn unusable(&self, problem: Problem) -> GalleryError {
        GalleryError::Unusable { path: self.path(), problem }
    }

    /// Reads what is on disk now; nothing when there is no file.
    fn load(&self) -> Result<Option<(Snapshot, Stamp)>, Problem> {
        let Some(file) = open_plain(&self.path())? else { return Ok(None) };
        let meta = file.metadata()?;
        // A file cannot grow under us (it is only ever replaced); if one does, it is not read on.
        let mut input = BufReader::new(file).take(meta.len());
        let snapshot = format::read(&mut input, meta.len(), &self.snapshot.space, self.dimension)?;
        Ok(Some((snapshot, Stamp::of(&meta))))
    }

    /// Makes the next state last, then takes it over.
    fn commit(&mut self, next: Snapshot) -> Result<(), GalleryError> {
        if self.lock.is_none() {
            return Err(GalleryError::ReadOnly);
        }
        let path = self.path();
        if let Err(source) = self.write(&next) {
            return Err(GalleryError::NotSaved { path, source });
        }
        self.snapshot = next;
        self.stamp = Stamp::at(&path).unwrap_or_default();
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| GalleryError::NotDurable { path, source })
    }

    /// Writes a new snapshot beside the old one and puts it in the old one's place.
    fn write(&self, next: &Snapshot) -> io::Result<()> {
        let new = self.dir.join(NEW_FILE);
        match fs::remove_file(&new) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let written = write_file(&new, next).and_then(|()| fs::rename(&new, self.path()));
        if written.is_err() {
            // Half a file is of no use to anybody; if even this fails, the next writer does it.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

impl Gallery for FileGallery {
    fn people(&self) -> &[Person] {
        &self.snapshot.people
    }

    fn search(&self, probe: &Template, k: usize) -> Candidates {
        self.snapshot.search(probe, k)
    }

    fn enrol_all(&mut self, people: &[Enrolment]) -> Result<Vec<PersonId>, GalleryError> {
        let (next, ids) = self.snapshot.enrolled(people)?;
        self.commit(next)?;
        Ok(ids)
    }

    fn add_templates(&mut self, person: PersonId, templates: &[EnrolTemplate]) -> Result<(), GalleryError> {
        self.commit(self.snapshot.with_templates(person, templates)?)
    }

    fn rename(&mut self, person: PersonId, name: &PersonName) -> Result<(), GalleryError> {
        self.commit(self.snapshot.renamed(person, name)?)
    }

    fn remove(&mut self, person: PersonId) -> Result<(), GalleryError> {
        self.commit(self.snapshot.removed(person)?)
    }

    fn reload(&mut self) -> Result<bool, GalleryError> {
        let path = self.path();
        let now = Stamp::at(&path).map_err(|e| self.unusable(e.into()))?;
        if now == self.stamp {
            return Ok(false);
        }
        // Remembered first: a file that is no good is complained about once, not twice a second.
        self.stamp = now;
        match self.load().map_err(|p| self.unusable(p))? {
            None => Err(GalleryError::Gone { path }),
            Some((snapshot, stamp)) => {
                if snapshot.generation <= self.snapshot.generation {
                    log::warn!(
                        "gallery generation {} replaced by {}: an older copy was put in its place",
                        self.snapshot.generation,
                        snapshot.generation
                    );
                }
                (self.snapshot, self.stamp) = (snapshot, Some(stamp));
                Ok(true)
            }
        }
    }
}

/// What tells one snapshot file from the next without reading it: device, inode, size, times.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp([i64; 7]);

impl Stamp {
    fn of(meta: &fs::Metadata) -> Stamp {
        let (dev, inode, size) = (meta.dev() as i64, meta.ino() as i64, meta.size() as i64);
        Stamp([dev, inode, size, meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()])
    }

    /// Of the file at a path (a link's own); none if there is no file.
    fn at(path: &Path) -> io::Result<Option<Stamp>> {
        match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Stamp::of(&meta))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Opens a plain file to read; none if there is no file. Does not wait on a pipe.
fn open_plain(path: &Path) -> Result<Option<File>, Problem> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(Problem::SymbolicLink),
        Err(e) => return Err(Problem::Io(e.into())),
    };
    if file.metadata()?.is_file() { Ok(Some(file)) } else { Err(Problem::NotAFile) }
}

fn write_file(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    let mut out = BufWriter::new(file);
    format::write(snapshot, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
