//! What can go wrong, each with what state remains and what to do next.

use crate::format::VERSION;
use mfn_template::{PersonId, TemplateSpace};
use std::io;
use std::path::PathBuf;

/// Why a snapshot is not used. It stays on disk as it is.
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

/// Why an operation on a gallery did not happen (or, for [`GalleryError::NotDurable`], may not last).
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// The snapshot is not used; what was in memory before still is.
    #[error("gallery file {} {problem}", path.display())]
    Unusable {
        /// The snapshot.
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
    /// Full or read-only disk, an error of the device.
    #[error("the change did not happen, {} stays as it was: {source}", path.display())]
    NotSaved {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder could not be synchronised after the new snapshot was in place.
    #[error("the change to {} was made but may be lost at a power cut: {source}", path.display())]
    NotDurable {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
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
    #[error("the gallery is full: the format holds at most {} templates; nothing was changed", u32::MAX)]
    Full,
}
