//! What can go wrong, each with what state remains and what to do next.

use crate::Finding;
use crate::header::VERSION;
use mfn_template::{PersonId, TemplateSpace};
use std::io;
use std::path::PathBuf;

/// Why a file of the gallery is not used. It stays on disk as it is.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The operating system said no.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A symbolic link could point at somebody else's file.
    #[error("is a symbolic link, which is refused: put the file itself there")]
    SymbolicLink,
    /// A folder, a pipe, a device.
    #[error("is not a plain file")]
    NotAFile,
    /// No bytes.
    #[error("is empty: restore a backup, or delete it to begin anew")]
    Empty,
    /// Another kind of file.
    #[error("is not a gallery (its first bytes are others)")]
    NotAGallery,
    /// Made by another release.
    #[error("has format version {0}, this program reads version {VERSION}: use the release that wrote it")]
    UnknownVersion(u32),
    /// The gallery key is another one.
    #[error("was sealed with another gallery key: give the key that it was made with; nothing was changed")]
    WrongKey,
    /// The key table belongs to another gallery.
    #[error("has beside it the key table of another gallery: put its own gallery.keys back")]
    OtherGallery,
    /// The key table cannot be used.
    #[error("cannot be read without its key table gallery.keys, which {0}")]
    KeyTable(Box<Problem>),
    /// The key table is not there.
    #[error(
        "has people, but its key table gallery.keys is missing: put it back; without it nobody can be read"
    )]
    KeysMissing,
    /// The gallery's file is not there.
    #[error(
        "is missing beside its key table: restore it, or delete gallery.keys to begin with an empty gallery"
    )]
    GalleryMissing,
    /// There is a gallery and no key.
    #[error("cannot be opened: {0}")]
    Key(crate::KeyError),
    /// Templates of another network.
    #[error("holds templates of {found}, the recogniser makes {wanted}: enrol anew or use the other model")]
    WrongSpace {
        /// The gallery's.
        found: TemplateSpace,
        /// The recogniser's.
        wanted: TemplateSpace,
    },
    /// Templates of another length, though the space's name is the same.
    #[error(
        "holds templates of {found} values, the recogniser makes {wanted}: the model's manifest is wrong"
    )]
    WrongDimension {
        /// The gallery's.
        found: usize,
        /// The recogniser's.
        wanted: usize,
    },
    /// Truncated, altered, or written by a broken program.
    #[error("is damaged ({0}): restore a backup")]
    Damaged(String),
}

impl Problem {
    /// Whether the file is lost, as against another one's or another version's.
    pub(crate) fn is_loss(&self) -> bool {
        use Problem::{Damaged, Empty, GalleryMissing, Io, NotAGallery};
        matches!(self, Damaged(_) | Empty | GalleryMissing | Io(_) | NotAGallery)
    }

    /// Says that the key table has the problem.
    pub(crate) fn of_key_table(self) -> Problem {
        match self {
            Problem::OtherGallery => Problem::OtherGallery,
            other => Problem::KeyTable(Box::new(other)),
        }
    }
}

/// Why an operation on a gallery did not happen (or may not last).
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// The snapshot is not used; what was in memory before still is.
    #[error("gallery file {} {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The snapshot vanished under a running reader.
    #[error("gallery file {} is gone; matching goes on with what is loaded until a restart", path.display())]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// The folder or its lock file cannot be made or opened.
    #[error("gallery folder {} cannot be used: {source}; nothing was changed", path.display())]
    Folder {
        /// The folder or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no usable gallery key.
    #[error(transparent)]
    Key(#[from] crate::KeyError),
    /// Another process writes.
    #[error("gallery {} is being written by process {pid}: stop it or wait; reading commands go on", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The other process, or `unknown`.
        pid: String,
    },
    /// Opened with [`crate::Access::Read`].
    #[error("the gallery was opened for reading only; nothing was changed")]
    ReadOnly,
    /// Damage was found when the gallery was opened.
    #[error("gallery {} is damaged ({first}); nothing was changed, matching goes on with what is intact: restore a backup", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// The first damage; [`crate::FileGallery::findings`] has all.
        first: Finding,
    },
    /// After [`GalleryError::Unsure`] or [`GalleryError::NotErased`].
    #[error("gallery {} takes no changes since an error of its disk ({why}); nothing was changed, matching goes on: open it again", path.display())]
    Halted {
        /// The folder.
        path: PathBuf,
        /// That error.
        why: String,
    },
    /// Full or read-only disk, an error of the device.
    #[error("the change did not happen, {} stays as it was: {source}", path.display())]
    NotSaved {
        /// The gallery's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A sync failed: nobody knows what is on the disk.
    #[error("the change to {} is not acknowledged and may or may not be on the disk: {source}; open the gallery again to see", path.display())]
    Unsure {
        /// The gallery's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The removal is durable, but the key could not be destroyed.
    #[error("removed from {}, but the key of the records could not be destroyed: {source}; opening the gallery again for writing does it", path.display())]
    NotErased {
        /// The gallery's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A backup's templates cannot be compared with this gallery's.
    #[error("the backup {0}; nothing was changed")]
    BackupOfOther(Problem),
    /// A second person of one name.
    #[error("the name is taken by person {0}: choose another, or remove or rename that person first")]
    NameTaken(PersonId),
    /// No such person.
    #[error("there is no person {0} in the gallery; nothing was changed")]
    NoSuchPerson(PersonId),
    /// A person needs at least one template to be recognised.
    #[error("a person needs at least one template; nothing was changed")]
    NoTemplates,
    /// A template that the recogniser of this gallery did not make.
    #[error("a template of {found} values does not belong in a gallery of {wanted}; nothing was changed")]
    TemplateDimension {
        /// The template's.
        found: usize,
        /// The gallery's.
        wanted: usize,
    },
    /// Over what the format can count.
    #[error(
        "the gallery is full: the format holds at most {} templates, and ids are not given again; nothing was changed",
        u32::MAX
    )]
    Full,
}
