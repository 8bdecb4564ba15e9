//! Templates of people: matching and storage.
//!
//! A [`Gallery`] answers who a probe may be ([`Gallery::search`]) and keeps who is enrolled.
//! [`FileGallery`] keeps it in one folder as the snapshot that `FORMAT.md` describes: one writer,
//! any number of readers, changes whole or not at all. Nothing here knows of images or doors.

mod compact;
mod error;
mod format;
mod gallery;
mod lock;
mod name;
mod person;
mod rows;
mod search;
mod snapshot;
mod store;

pub use error::{GalleryError, Problem};
pub use gallery::Gallery;
pub use lock::LOCK_FILE;
pub use name::{NameError, PersonName};
pub use person::{EnrolTemplate, Enrolment, Person, TemplateNote};
pub use store::{Access, FileGallery, SNAPSHOT_FILE};
