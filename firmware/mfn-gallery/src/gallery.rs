//! What any gallery can do, however it is kept.

use crate::{EnrolTemplate, Enrolment, GalleryError, Metadata, Person, PersonName, Restriction};
use mfn_template::{Candidates, PersonId, Template};
use std::time::SystemTime;

/// People, their templates, and who of them a probe may be.
///
/// Every change is whole or not at all: after an error the gallery is as it was, in memory and on
/// disk, unless the error is [`GalleryError::Unsure`] or [`GalleryError::NotErased`].
pub trait Gallery {
    /// Everybody, also the disabled, ascending by id (that is, in the order of enrolment).
    fn people(&self) -> &[Person];

    /// The `k` people whose best templates are most similar to the probe, exactly, most similar
    /// first; of equals the one with the lower id first. Fewer where fewer are enrolled.
    ///
    /// # Panics
    /// When the probe's dimension is not the gallery's: both come from one model folder, whose
    /// space and dimension the gallery was opened with.
    fn search(&self, probe: &Template, k: usize) -> Candidates {
        self.search_among(probe, k, &Restriction::default())
    }

    /// As [`Gallery::search`], among some people only.
    ///
    /// # Panics
    /// As [`Gallery::search`].
    fn search_among(&self, probe: &Template, k: usize, among: &Restriction<'_>) -> Candidates;

    /// Enrols several people at once; returns their ids in the same order.
    ///
    /// # Errors
    /// When a name is taken (or given twice), a person has no template, a template is of another
    /// dimension, or the change cannot be saved.
    fn enrol_all(&mut self, people: &[Enrolment]) -> Result<Vec<PersonId>, GalleryError>;

    /// Adds templates to a person who is enrolled.
    ///
    /// # Errors
    /// As [`Gallery::enrol_all`], or when there is no such person.
    fn add_templates(&mut self, person: PersonId, templates: &[EnrolTemplate]) -> Result<(), GalleryError>;

    /// Gives a person another name.
    ///
    /// # Errors
    /// When there is no such person, somebody else has the name, or the change cannot be saved.
    fn rename(&mut self, person: PersonId, name: &PersonName) -> Result<(), GalleryError>;

    /// Enables or disables a person, sets group, validity, erasure date and note.
    ///
    /// # Errors
    /// When there is no such person, or the change cannot be saved.
    fn set_metadata(&mut self, person: PersonId, metadata: &Metadata) -> Result<(), GalleryError>;

    /// Removes people with all templates, all or none of them; their records cannot be read any
    /// more when this returns. Ids are not given again.
    ///
    /// # Errors
    /// When there is no such person, or the change cannot be saved.
    fn remove_all(&mut self, people: &[PersonId]) -> Result<(), GalleryError>;

    /// Takes over what another process has changed; true when there was something. Cheap when not
    /// (one `stat`): a running kiosk calls it about twice a second.
    ///
    /// # Errors
    /// When what is there now cannot be used: matching goes on with what was loaded before, and the
    /// same file is not tried again.
    fn reload(&mut self) -> Result<bool, GalleryError>;

    /// Enrols one person.
    ///
    /// # Errors
    /// As [`Gallery::enrol_all`].
    fn enrol(&mut self, name: &PersonName, templates: &[EnrolTemplate]) -> Result<PersonId, GalleryError> {
        let (name, metadata) = (name.clone(), Metadata::default());
        Ok(self.enrol_all(&[Enrolment { name, metadata, templates: templates.to_vec() }])?[0])
    }

    /// Removes one person.
    ///
    /// # Errors
    /// As [`Gallery::remove_all`].
    fn remove(&mut self, person: PersonId) -> Result<(), GalleryError> {
        self.remove_all(&[person])
    }

    /// Removes everybody who is past the erasure date, and says who that was.
    ///
    /// # Errors
    /// As [`Gallery::remove_all`].
    fn remove_expired(&mut self, now: SystemTime) -> Result<Vec<PersonId>, GalleryError> {
        let expired = self.people().iter().filter(|p| p.metadata.expired_at(now));
        let ids: Vec<PersonId> = expired.map(|p| p.id).collect();
        if !ids.is_empty() {
            self.remove_all(&ids)?;
        }
        Ok(ids)
    }

    /// The person with this id.
    fn person(&self, id: PersonId) -> Option<&Person> {
        let people = self.people();
        people.binary_search_by_key(&id, |p| p.id).ok().map(|i| &people[i])
    }

    /// The person with exactly this name.
    fn find(&self, name: &str) -> Option<&Person> {
        self.people().iter().find(|p| p.name.as_str() == name)
    }

    /// The number of templates.
    fn template_count(&self) -> usize {
        self.people().iter().map(|p| p.templates.len()).sum()
    }

    /// The enrolled person whom somebody about to be enrolled resembles most, with the similarity,
    /// when it is at least `threshold`: one of the two would open the door as the other.
    ///
    /// # Panics
    /// As [`Gallery::search`].
    fn lookalike(&self, templates: &[Template], threshold: f32) -> Option<(&Person, f32)> {
        let best = templates.iter().filter_map(|t| self.search(t, 1).best());
        let best = best.max_by(|a, b| a.similarity.total_cmp(&b.similarity))?;
        let person = self.person(best.person)?;
        (best.similarity >= threshold).then_some((person, best.similarity))
    }
}
