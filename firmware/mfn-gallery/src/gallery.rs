//! What any gallery can do, however it is kept.

use crate::{EnrolTemplate, Enrolment, GalleryError, Person, PersonName};
use mfn_template::{Candidates, PersonId, Template};

/// People, their templates, and who of them a probe may be.
///
/// Every change is whole or not at all: after an error the gallery is as it was, in memory and on
/// disk, unless the error is [`GalleryError::NotDurable`].
pub trait Gallery {
    /// Everybody, ascending by id (that is, in the order of enrolment).
    fn people(&self) -> &[Person];

    /// The `k` people whose best templates are most similar to the probe, exactly, most similar
    /// first; of equals the one with the lower id first. Fewer where fewer are enrolled.
    ///
    /// # Panics
    /// When the probe's dimension is not the gallery's: both come from one model folder, whose
    /// space and dimension the gallery was opened with.
    fn search(&self, probe: &Template, k: usize) -> Candidates;

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

    /// Removes a person with all templates. The id is not given again.
    ///
    /// # Errors
    /// When there is no such person, or the change cannot be saved.
    fn remove(&mut self, person: PersonId) -> Result<(), GalleryError>;

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
        let person = Enrolment { name: name.clone(), templates: templates.to_vec() };
        Ok(self.enrol_all(&[person])?[0])
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
