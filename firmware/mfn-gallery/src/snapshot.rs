//! The state of a gallery, and its changes as pure functions from one state to the next.

use crate::compact::Compact;
use crate::person::{EnrolTemplate, Enrolment, Person};
use crate::rows::Rows;
use crate::{GalleryError, PersonName, search};
use mfn_template::{Candidates, PersonId, Template, TemplateSpace};
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that a snapshot file holds.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) space: TemplateSpace,
    /// Grows by one with each change.
    pub(crate) generation: u64,
    /// Greater than every id ever given.
    pub(crate) next_id: u64,
    /// Ascending by id; each owns the rows from its `first_row` on.
    pub(crate) people: Vec<Person>,
    /// Shared, because a new name leaves them as they are.
    pub(crate) rows: Arc<Rows>,
    /// Of the same rows, where there are enough of them.
    pub(crate) compact: Option<Arc<Compact>>,
}

impl Snapshot {
    /// A gallery that nobody is enrolled in.
    pub(crate) fn empty(space: TemplateSpace, dimension: usize) -> Snapshot {
        let rows = Arc::new(Rows::zeroed(dimension, 0));
        Snapshot { space, generation: 0, next_id: 1, people: Vec::new(), rows, compact: None }
    }

    /// See [`crate::Gallery::search`].
    pub(crate) fn search(&self, probe: &Template, k: usize) -> Candidates {
        search::search(&self.rows, self.compact.as_deref(), &self.people, probe, k)
    }

    /// The state with more people, and their ids.
    pub(crate) fn enrolled(&self, new: &[Enrolment]) -> Result<(Snapshot, Vec<PersonId>), GalleryError> {
        let mut names: HashMap<&str, PersonId> =
            self.people.iter().map(|p| (p.name.as_str(), p.id)).collect();
        let mut next = self.next();
        for person in new {
            self.check(&person.templates)?;
            let id = PersonId(next.next_id);
            if let Some(other) = names.insert(person.name.as_str(), id) {
                return Err(GalleryError::NameTaken(other));
            }
            next.next_id += 1;
            let templates = person.templates.iter().map(Into::into).collect();
            next.people.push(Person { id, name: person.name.clone(), templates, first_row: 0 });
        }
        let templates: Vec<&Template> =
            new.iter().flat_map(|p| &p.templates).map(|new| &new.template).collect();
        let end = self.rows.count();
        next.put_rows(end..end, &templates)?;
        let ids = next.people[self.people.len()..].iter().map(|p| p.id).collect();
        Ok((next, ids))
    }

    /// The state with more templates of one person.
    pub(crate) fn with_templates(
        &self,
        id: PersonId,
        new: &[EnrolTemplate],
    ) -> Result<Snapshot, GalleryError> {
        self.check(new)?;
        let mut next = self.next();
        let person = next.person_mut(id)?;
        let end = person.first_row + person.templates.len();
        person.templates.extend(new.iter().map(crate::TemplateNote::from));
        let templates: Vec<&Template> = new.iter().map(|new| &new.template).collect();
        next.put_rows(end..end, &templates)?;
        Ok(next)
    }

    /// The state in which a person has another name.
    pub(crate) fn renamed(&self, id: PersonId, name: &PersonName) -> Result<Snapshot, GalleryError> {
        let mut next = self.next();
        if let Some(other) = next.people.iter().find(|p| p.name == *name && p.id != id) {
            return Err(GalleryError::NameTaken(other.id));
        }
        next.person_mut(id)?.name = name.clone();
        Ok(next)
    }

    /// The state without a person.
    pub(crate) fn removed(&self, id: PersonId) -> Result<Snapshot, GalleryError> {
        let mut next = self.next();
        let place = next.people.binary_search_by_key(&id, |p| p.id);
        let person = next.people.remove(place.map_err(|_| GalleryError::NoSuchPerson(id))?);
        next.put_rows(person.first_row..person.first_row + person.templates.len(), &[])?;
        Ok(next)
    }

    /// A copy of the next generation, rows still shared.
    fn next(&self) -> Snapshot {
        Snapshot { generation: self.generation + 1, ..self.clone() }
    }

    fn person_mut(&mut self, id: PersonId) -> Result<&mut Person, GalleryError> {
        let place = self.people.binary_search_by_key(&id, |p| p.id);
        place.map(|i| &mut self.people[i]).map_err(|_| GalleryError::NoSuchPerson(id))
    }

    fn check(&self, templates: &[EnrolTemplate]) -> Result<(), GalleryError> {
        if templates.is_empty() {
            return Err(GalleryError::NoTemplates);
        }
        let wanted = self.rows.dimension();
        match templates.iter().map(|t| t.template.values().len()).find(|&n| n != wanted) {
            Some(found) => Err(GalleryError::TemplateDimension { found, wanted }),
            None => Ok(()),
        }
    }

    /// Replaces rows and gives everybody's first row anew.
    fn put_rows(&mut self, gap: std::ops::Range<usize>, new: &[&Template]) -> Result<(), GalleryError> {
        if u32::try_from(self.rows.count() + new.len()).is_err() {
            return Err(GalleryError::Full);
        }
        self.rows = Arc::new(self.rows.replaced(gap, new.iter().copied()));
        self.compact = Compact::if_large(&self.rows);
        let mut row = 0;
        for person in &mut self.people {
            person.first_row = row;
            row += person.templates.len();
        }
        Ok(())
    }
}
