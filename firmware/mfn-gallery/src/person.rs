//! People and what is kept of each of their templates.

use crate::metadata::unix;
use crate::seal::Id;
use crate::{Metadata, PersonName};
use mfn_template::{PersonId, Template};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A template to enrol.
#[derive(Clone, Debug)]
pub struct EnrolTemplate {
    /// The reference itself.
    pub template: Template,
    /// Quality of the face that it was made of, 0 to 1.
    pub quality: f32,
    /// When it was taken.
    pub taken: SystemTime,
}

/// One new person with one or more templates.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// A name that nobody in the gallery has.
    pub name: PersonName,
    /// Group, validity and the like; `Metadata::default()` for none.
    pub metadata: Metadata,
    /// At least one.
    pub templates: Vec<EnrolTemplate>,
}

/// What is kept beside a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TemplateNote {
    /// When it was taken, in whole seconds since 1970.
    pub taken_unix: u64,
    /// Quality of the face, 0 to 1.
    pub quality: f32,
}

impl TemplateNote {
    /// When it was taken.
    #[must_use]
    pub fn taken(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.taken_unix)).unwrap_or(UNIX_EPOCH)
    }
}

impl From<&EnrolTemplate> for TemplateNote {
    /// Quality is kept to 0 to 1.
    fn from(new: &EnrolTemplate) -> TemplateNote {
        let taken_unix = unix(new.taken);
        let quality = if new.quality.is_nan() { 0.0 } else { new.quality.clamp(0.0, 1.0) };
        TemplateNote { taken_unix, quality }
    }
}

/// What is kept beside a person's templates, in the order of enrolment; never empty. Most people of a
/// large gallery have one template, whose note needs no memory elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateNotes(Few);

#[derive(Clone, Debug, PartialEq)]
enum Few {
    One(TemplateNote),
    Many(Box<[TemplateNote]>),
}

impl TemplateNotes {
    /// Notes, of which there is at least one.
    pub(crate) fn new(notes: Vec<TemplateNote>) -> Option<TemplateNotes> {
        match notes.as_slice() {
            [] => None,
            [note] => Some(TemplateNotes(Few::One(*note))),
            _ => Some(TemplateNotes(Few::Many(notes.into()))),
        }
    }

    /// The note of a first template.
    pub(crate) fn first(note: TemplateNote) -> TemplateNotes {
        TemplateNotes(Few::One(note))
    }

    /// Adds the note of one more template.
    pub(crate) fn push(&mut self, note: TemplateNote) {
        self.0 = Few::Many([&**self, &[note]].concat().into());
    }
}

impl Deref for TemplateNotes {
    type Target = [TemplateNote];

    fn deref(&self) -> &[TemplateNote] {
        match &self.0 {
            Few::One(note) => std::slice::from_ref(note),
            Few::Many(notes) => notes,
        }
    }
}

/// A person's metadata; whoever is without any shares one copy. `clone()` gives [`Metadata`] to be
/// changed.
#[derive(PartialEq)]
pub struct PersonMetadata(Arc<Metadata>);

impl PersonMetadata {
    /// The same once more.
    pub(crate) fn share(&self) -> PersonMetadata {
        PersonMetadata(Arc::clone(&self.0))
    }
}

impl From<Metadata> for PersonMetadata {
    fn from(metadata: Metadata) -> PersonMetadata {
        static NONE: LazyLock<Arc<Metadata>> = LazyLock::new(Arc::default);
        PersonMetadata(if metadata == **NONE { Arc::clone(&NONE) } else { Arc::new(metadata) })
    }
}

impl Deref for PersonMetadata {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.0
    }
}

impl PartialEq<Metadata> for PersonMetadata {
    fn eq(&self, other: &Metadata) -> bool {
        *self.0 == *other
    }
}

impl fmt::Debug for PersonMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An enrolled person.
#[derive(Debug, PartialEq)]
pub struct Person {
    /// Never given to anybody else.
    pub id: PersonId,
    /// Nobody else in the gallery has it.
    pub name: PersonName,
    /// Group, validity and the like.
    pub metadata: PersonMetadata,
    /// One a template, in the order of enrolment; never empty.
    pub templates: TemplateNotes,
    /// The person's own key in the key table.
    pub(crate) key: KeyPlace,
    /// The matrix row of the first template; the others follow.
    pub(crate) first_row: u32,
}

impl Person {
    /// The matrix row of the first template.
    pub(crate) fn first_row(&self) -> usize {
        self.first_row as usize
    }
}

impl Clone for Person {
    fn clone(&self) -> Person {
        let Person { id, key, first_row, .. } = *self;
        let (name, templates) = (self.name.clone(), self.templates.clone());
        Person { id, name, metadata: self.metadata.share(), templates, key, first_row }
    }
}

/// Which key of the key table seals a person's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    /// Place in the table.
    pub(crate) entry: u32,
    /// The key's random serial: another one there means that the person's key is destroyed.
    pub(crate) serial: Id,
}
