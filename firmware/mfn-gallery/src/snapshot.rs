//! The state of a gallery, and its changes as pure functions from one state to the next.

use crate::edit::{Edit, Reference, What};
use crate::matrix::Matrix;
use crate::person::{EnrolTemplate, Enrolment, KeyPlace, Person, TemplateNotes};
use crate::seal::Id;
use crate::search::{self, Restriction};
use crate::{GalleryError, Metadata, PersonName, TemplateNote};
use mfn_template::{Candidates, PersonId, Template};
use std::collections::HashMap;

/// Everything that a gallery holds.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// Grows by one with each change.
    pub(crate) generation: u64,
    /// Greater than every id ever given.
    pub(crate) next_id: u64,
    /// Ascending by id; each owns the rows from its `first_row` on.
    pub(crate) people: Vec<Person>,
    /// Serials of the keys of everybody who was ever removed.
    pub(crate) erased: Vec<Id>,
    /// One a template.
    pub(crate) rows: Matrix,
}

/// References that a person gets, beside the rows that they have.
type Added<'a> = HashMap<PersonId, Vec<&'a Reference>>;

impl Snapshot {
    /// A gallery that nobody is enrolled in.
    pub(crate) fn empty(dimension: usize) -> Snapshot {
        let rows = Matrix::empty(dimension);
        let (people, erased) = Default::default();
        Snapshot { generation: 0, next_id: 1, people, erased, rows }
    }

    /// See [`crate::Gallery::search_among`].
    pub(crate) fn search(&self, probe: &Template, k: usize, among: &Restriction<'_>) -> Candidates {
        search::search(&self.rows, &self.people, probe, k, among)
    }

    /// Whether these people can be enrolled.
    pub(crate) fn check_enrolment(&self, new: &[Enrolment]) -> Result<(), GalleryError> {
        self.check_ids(new.len())?;
        let mut names: HashMap<&str, PersonId> =
            self.people.iter().map(|p| (p.name.as_str(), p.id)).collect();
        for (new, id) in new.iter().zip(self.next_id..) {
            self.check(&new.templates)?;
            if let Some(other) = names.insert(new.name.as_str(), PersonId(id)) {
                return Err(GalleryError::NameTaken(other));
            }
        }
        self.check_room(new.iter().map(|new| new.templates.len()).sum())
    }

    /// The edits that enrol people, who have been checked, under these keys, and their ids.
    pub(crate) fn enrolment(&self, new: &[Enrolment], keys: &[KeyPlace]) -> (Vec<Edit>, Vec<PersonId>) {
        let (mut edits, mut ids) = (Vec::new(), Vec::new());
        for ((new, &key), id) in new.iter().zip(keys).zip(self.next_id..) {
            let person = PersonId(id);
            ids.push(person);
            for (i, reference) in new.templates.iter().map(Reference::from).enumerate() {
                let (name, metadata) = (new.name.clone(), new.metadata.clone());
                let what = match i {
                    0 => What::New { name, metadata, reference },
                    _ => What::Template(reference),
                };
                edits.push(Edit { person, key, what });
            }
        }
        (edits, ids)
    }

    /// The edits that add templates to a person.
    pub(crate) fn addition(&self, id: PersonId, new: &[EnrolTemplate]) -> Result<Vec<Edit>, GalleryError> {
        self.check(new)?;
        self.check_room(new.len())?;
        let key = self.person(id)?.key;
        let edit = |new: &EnrolTemplate| Edit { person: id, key, what: What::Template(new.into()) };
        Ok(new.iter().map(edit).collect())
    }

    /// The edit that gives a person other details.
    pub(crate) fn details(
        &self,
        id: PersonId,
        name: Option<&PersonName>,
        metadata: Option<&Metadata>,
    ) -> Result<Vec<Edit>, GalleryError> {
        let person = self.person(id)?;
        let name = name.unwrap_or(&person.name);
        if let Some(other) = self.people.iter().find(|p| p.name == *name && p.id != id) {
            return Err(GalleryError::NameTaken(other.id));
        }
        let metadata: Metadata = metadata.unwrap_or(&person.metadata).clone();
        let what = What::Details { name: name.clone(), metadata };
        Ok(vec![Edit { person: id, key: person.key, what }])
    }

    /// The edits that remove people.
    pub(crate) fn removal(&self, ids: &[PersonId]) -> Result<Vec<Edit>, GalleryError> {
        let edit = |&id: &PersonId| {
            let key = self.person(id)?.key;
            Ok(Edit { person: id, key, what: What::Remove })
        };
        ids.iter().map(edit).collect()
    }

    /// The state after whole operations. Edits of people who are not here (they could not be read)
    /// change nothing but what ids may be given.
    pub(crate) fn after(&self, operations: &[Vec<Edit>]) -> Snapshot {
        let mut next = self.clone();
        let mut added = Added::new();
        let mut rows_change = false;
        for operation in operations {
            next.generation += 1;
            for edit in operation {
                rows_change |= next.edit(edit, &mut added);
            }
        }
        if rows_change {
            next.put_rows(&self.rows, &added);
        }
        next
    }

    /// Does one edit, but for the rows; says whether they change.
    fn edit<'a>(&mut self, edit: &'a Edit, added: &mut Added<'a>) -> bool {
        let place = self.people.binary_search_by_key(&edit.person, |p| p.id);
        let fresh = edit.person.0 >= self.next_id;
        self.next_id = self.next_id.max(edit.person.0.saturating_add(1));
        match (&edit.what, place) {
            (What::New { name, metadata, reference }, Err(_)) if fresh => {
                let (name, metadata) = (name.clone(), metadata.clone().into());
                let templates = TemplateNotes::first(reference.note);
                let Edit { person: id, key, .. } = *edit;
                self.people.push(Person { id, name, metadata, templates, key, first_row: 0 });
                added.insert(edit.person, vec![reference]);
                true
            }
            (What::Template(reference), Ok(i)) => {
                self.people[i].templates.push(reference.note);
                added.entry(edit.person).or_default().push(reference);
                true
            }
            (What::Details { name, metadata }, Ok(i)) => {
                (self.people[i].name, self.people[i].metadata) = (name.clone(), metadata.clone().into());
                false
            }
            (What::Remove, place) => {
                self.erased.push(edit.key.serial);
                added.remove(&edit.person);
                place.map(|i| self.people.remove(i)).is_ok()
            }
            _ => false,
        }
    }

    /// Puts what was added behind the rows of each person; those before the first change stay where they
    /// are.
    fn put_rows(&mut self, before: &Matrix, added: &Added<'_>) {
        let (mut row, mut kept, mut others) = (0, 0, Vec::new());
        for person in &mut self.people {
            let new = added.get(&person.id).map_or(&[][..], Vec::as_slice);
            let old = person.first_row()..person.first_row() + person.templates.len() - new.len();
            if kept == row && old.start == row && !old.is_empty() {
                kept = old.end;
            } else {
                others.extend(old.map(|i| before.row(i)));
            }
            others.extend(new.iter().map(|reference| &*reference.values));
            person.first_row = row as u32;
            row += person.templates.len();
        }
        self.rows = before.with(kept, &others);
    }

    pub(crate) fn person(&self, id: PersonId) -> Result<&Person, GalleryError> {
        let place = self.people.binary_search_by_key(&id, |p| p.id);
        place.map(|i| &self.people[i]).map_err(|_| GalleryError::NoSuchPerson(id))
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

    /// Ids are never given again, so even they can run out where somebody has sealed a huge one.
    pub(crate) fn check_ids(&self, new: usize) -> Result<(), GalleryError> {
        self.next_id.checked_add(new as u64 + 1).map(|_| ()).ok_or(GalleryError::Full)
    }

    pub(crate) fn check_room(&self, new: usize) -> Result<(), GalleryError> {
        u32::try_from(self.rows.count() + new).map(|_| ()).map_err(|_| GalleryError::Full)
    }

    /// Notes and values of one person's templates.
    pub(crate) fn references<'a>(
        &'a self,
        person: &'a Person,
    ) -> impl Iterator<Item = (TemplateNote, &'a [f32])> {
        person.templates.iter().enumerate().map(|(i, note)| (*note, self.rows.row(person.first_row() + i)))
    }
}
