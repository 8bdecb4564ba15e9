//! People and what is kept of each of their templates.

use crate::PersonName;
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
    /// A clock before 1970 (a board without a battery) counts as 1970; quality is kept to 0 to 1.
    fn from(new: &EnrolTemplate) -> TemplateNote {
        let taken_unix = new.taken.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
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
    /// One a template, in the order of enrolment; never empty.
    pub templates: Vec<TemplateNote>,
    /// The matrix row of the first template; the others follow.
    pub(crate) first_row: usize,
}
