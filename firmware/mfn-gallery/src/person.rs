//! People and what is kept of each of their templates.

use crate::metadata::unix;
use crate::seal::Id;
use crate::{Metadata, PersonName};
use mfn_template::{PersonId, Template};
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

/// An enrolled person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Never given to anybody else.
    pub id: PersonId,
    /// Nobody else in the gallery has it.
    pub name: PersonName,
    /// Group, validity and the like.
    pub metadata: Metadata,
    /// One a template, in the order of enrolment; never empty.
    pub templates: Vec<TemplateNote>,
    /// The person's own key in the key table.
    pub(crate) key: KeyPlace,
    /// The matrix row of the first template; the others follow.
    pub(crate) first_row: usize,
}

/// Which key of the key table seals a person's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    /// Place in the table.
    pub(crate) entry: u32,
    /// The key's random serial: another one there means that the person's key is destroyed.
    pub(crate) serial: Id,
}
