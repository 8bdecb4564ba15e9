//! The specification: a map of people, and what may be in flight when the power fails.

use crate::store::FileGallery;
use crate::{EnrolTemplate, Enrolment, Gallery, GalleryError, Group, Metadata, Note, PersonName};
use mfn_template::{PersonId, Template};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

/// Values a template in these tests.
pub const DIMENSION: usize = 4;

/// What is asked of a gallery.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Enrol(u8, Vec<u8>),
    Add(u64, Vec<u8>),
    Rename(u64, u8),
    Metadata(u64, u8),
    Remove(u64),
    Compact,
    /// Some pieces of a compaction; two of these are enough for all of a small one.
    CompactSome,
    Reopen,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelPerson {
    pub name: String,
    pub metadata: Metadata,
    pub templates: Vec<u8>,
}

/// The specification of a gallery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub people: BTreeMap<u64, ModelPerson>,
    pub last_id: u64,
}

impl Model {
    /// The model after an operation; nothing when it must be refused.
    pub fn after(&self, operation: &Operation) -> Option<Model> {
        let mut next = self.clone();
        let free = |name: u8, but: u64| self.people.iter().all(|(&id, p)| id == but || p.name != text(name));
        match operation {
            Operation::Enrol(name, templates) if !templates.is_empty() && free(*name, 0) => {
                next.last_id += 1;
                let (name, templates) = (text(*name), templates.clone());
                next.people.insert(next.last_id, ModelPerson { name, metadata: metadata(0), templates });
            }
            Operation::Add(id, new) if !new.is_empty() => next.people.get_mut(id)?.templates.extend(new),
            Operation::Rename(id, name) if free(*name, *id) => next.people.get_mut(id)?.name = text(*name),
            Operation::Metadata(id, m) => next.people.get_mut(id)?.metadata = metadata(*m),
            Operation::Remove(id) => drop(next.people.remove(id)?),
            Operation::Compact | Operation::CompactSome | Operation::Reopen => {}
            _ => return None,
        }
        Some(next)
    }
}

/// Asks the real gallery for the same. Reopening is the caller's.
pub fn ask(gallery: &mut FileGallery, operation: &Operation) -> Result<(), GalleryError> {
    match operation {
        Operation::Enrol(n, templates) => {
            let person =
                Enrolment { name: name(*n), metadata: metadata(0), templates: references(templates) };
            gallery.enrol_all(&[person]).map(|_| ())
        }
        Operation::Add(id, new) => gallery.add_templates(PersonId(*id), &references(new)),
        Operation::Rename(id, n) => gallery.rename(PersonId(*id), &name(*n)),
        Operation::Metadata(id, m) => gallery.set_metadata(PersonId(*id), &metadata(*m)),
        Operation::Remove(id) => gallery.remove(PersonId(*id)),
        Operation::Compact => gallery.compact(),
        Operation::CompactSome => (0..4).try_for_each(|_| gallery.compact_some().map(|_| ())),
        Operation::Reopen => Ok(()),
    }
}

/// What the real gallery holds, in the model's words.
pub fn contents(gallery: &FileGallery) -> BTreeMap<u64, ModelPerson> {
    let describe = |id: u64| {
        let (person, values) = gallery.person_and_values(PersonId(id));
        let number = |values: &[f32]| {
            let found = (0..=u8::MAX).find(|&n| template(n).values() == values);
            found.expect("a template that nobody has enrolled")
        };
        let templates = values.iter().map(|values| number(values)).collect();
        let (name, metadata) = (person.name.to_string(), person.metadata.clone());
        (id, ModelPerson { name, metadata, templates })
    };
    gallery.people().iter().map(|p| describe(p.id.0)).collect()
}

fn text(name: u8) -> String {
    format!("Name {name} of somebody")
}

fn name(n: u8) -> PersonName {
    PersonName::new(&text(n)).unwrap()
}

pub fn metadata(n: u8) -> Metadata {
    let some = u64::from(n);
    let note = Note::new(&"note\n".repeat(usize::from(n) * 10)).unwrap();
    Metadata {
        enabled: n != 1,
        group: (n > 1).then(|| Group::new("staff").unwrap()),
        valid_from: (n > 2).then_some(some),
        valid_until: (n > 1).then_some(some + 1000),
        erase_after: None,
        note,
    }
}

/// Somebody to enrol.
pub fn enrolment(n: u8) -> Enrolment {
    Enrolment { name: name(n), metadata: metadata(0), templates: references(&[n]) }
}

/// A direction for each number.
pub fn template(n: u8) -> Template {
    let n = f32::from(n);
    Template::normalise(&[1.0 + n, (n * 0.37).sin() * 90.0, 20.0 - n, (n * 1.7).cos() * 50.0]).unwrap()
}

pub fn references(numbers: &[u8]) -> Vec<EnrolTemplate> {
    let new = |&n: &u8| EnrolTemplate { template: template(n), quality: 0.5, taken: UNIX_EPOCH };
    numbers.iter().map(new).collect()
}

pub fn operation() -> impl Strategy<Value = Operation> {
    let templates = || proptest::collection::vec(0u8..200, 0..4);
    prop_oneof![
        6 => (0u8..6, templates()).prop_map(|(name, t)| Operation::Enrol(name, t)),
        3 => (1u64..6, templates()).prop_map(|(id, t)| Operation::Add(id, t)),
        2 => (1u64..6, 0u8..6).prop_map(|(id, name)| Operation::Rename(id, name)),
        2 => (1u64..6, 0u8..6).prop_map(|(id, m)| Operation::Metadata(id, m)),
        3 => (1u64..6).prop_map(Operation::Remove),
        1 => Just(Operation::Compact),
        3 => Just(Operation::CompactSome),
        1 => Just(Operation::Reopen),
    ]
}
