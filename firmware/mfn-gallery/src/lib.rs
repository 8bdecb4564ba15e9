//! Templates of people: matching and storage.
//!
//! A [`Gallery`] answers who a probe may be ([`Gallery::search`]) and keeps who is enrolled.
//! [`FileGallery`] keeps it in one folder, encrypted and proof against power cuts, as `FORMAT.md`
//! describes: one writer, any number of readers, changes whole or not at all. Nothing here knows of
//! images or doors.

mod backup;
mod bytes;
mod check;
mod compact;
mod compaction;
#[cfg(test)]
mod crash;
mod disk;
mod edit;
mod error;
mod finding;
mod gallery;
mod header;
mod import;
mod journal;
mod key;
mod keys;
mod load;
mod lock;
mod matrix;
mod metadata;
mod name;
mod owners;
mod packed;
mod passphrase;
mod person;
mod rows;
mod seal;
mod search;
mod slot;
mod snapshot;
mod store;
mod writer;

pub use backup::{Backup, BackupError};
pub use check::{Check, Description, Migration, Remark};
pub use disk::{Disk, DiskFile, Folder, Identity, Purpose};
pub use error::{GalleryError, Problem};
pub use finding::Finding;
pub use gallery::Gallery;
pub use import::{Imported, Removed};
pub use key::{CREDENTIAL, GalleryKey, KeyError};
pub use keys::KEYS_FILE;
pub use load::{GALLERY_FILE, OLD_FILE};
pub use lock::LOCK_FILE;
pub use metadata::{Group, Metadata, Note};
pub use name::{NameError, PersonName};
pub use passphrase::{Cost, Passphrase};
pub use person::{EnrolTemplate, Enrolment, Person, PersonMetadata, TemplateNote, TemplateNotes};
pub use search::Restriction;
pub use store::{Access, FileGallery};
