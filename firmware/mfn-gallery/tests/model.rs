//! Random operations on the gallery and on a plain map: both hold the same people at every step.

mod common;

use common::*;
use mfn_gallery::{Access, Gallery, GalleryError};
use mfn_template::PersonId;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Few under an emulator.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 5 } else { 60 };

#[derive(Clone, Debug)]
enum Operation {
    Enrol(u8, usize),
    Add(u64, usize),
    Rename(u64, u8),
    Remove(u64),
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0u8..6, 0usize..3).prop_map(|(name, n)| Operation::Enrol(name, n)),
        2 => (1u64..8, 0usize..3).prop_map(|(id, n)| Operation::Add(id, n)),
        2 => (1u64..8, 0u8..6).prop_map(|(id, name)| Operation::Rename(id, name)),
        2 => (1u64..8).prop_map(Operation::Remove),
        1 => Just(Operation::Reopen),
    ]
}

/// The specification: names and numbers of templates by id.
#[derive(Default)]
struct Model {
    people: BTreeMap<u64, (String, usize)>,
    last_id: u64,
}

impl Model {
    /// Whether the operation must succeed; if so, it is done.
    fn apply(&mut self, operation: &Operation) -> bool {
        let free = |name: u8, but: u64| self.people.iter().all(|(&id, p)| id == but || p.0 != text(name));
        match *operation {
            Operation::Enrol(name, n) if n > 0 && free(name, 0) => {
                self.last_id += 1;
                self.people.insert(self.last_id, (text(name), n));
                true
            }
            Operation::Add(id, n) if n > 0 => self.people.get_mut(&id).map(|p| p.1 += n).is_some(),
            Operation::Rename(id, name) if free(name, id) => {
                self.people.get_mut(&id).map(|p| p.0 = text(name)).is_some()
            }
            Operation::Remove(id) => self.people.remove(&id).is_some(),
            Operation::Reopen => true,
            _ => false,
        }
    }
}

fn text(name: u8) -> String {
    format!("Name {name}")
}

fn apply(gallery: &mut impl Gallery, operation: &Operation) -> Result<(), GalleryError> {
    match *operation {
        Operation::Enrol(n, templates) => {
            gallery.enrol(&name(&text(n)), &vec![reference([1.0; 4]); templates]).map(|_| ())
        }
        Operation::Add(id, n) => gallery.add_templates(PersonId(id), &vec![reference([1.0; 4]); n]),
        Operation::Rename(id, n) => gallery.rename(PersonId(id), &name(&text(n))),
        Operation::Remove(id) => gallery.remove(PersonId(id)),
        Operation::Reopen => Ok(()),
    }
}

fn contents(gallery: &impl Gallery) -> BTreeMap<u64, (String, usize)> {
    gallery.people().iter().map(|p| (p.id.0, (p.name.to_string(), p.templates.len()))).collect()
}

#[test]
fn the_gallery_is_the_map() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operations in proptest::collection::vec(operation(), 1..25))| {
        let dir = tempfile::tempdir().unwrap();
        let mut gallery = open(dir.path(), Access::Write).unwrap();
        let mut reader = open(dir.path(), Access::Read).unwrap();
        let mut model = Model::default();
        for operation in &operations {
            if matches!(operation, Operation::Reopen) {
                drop(gallery);
                gallery = open(dir.path(), Access::Write).unwrap();
            }
            let expected = model.apply(operation);
            prop_assert_eq!(apply(&mut gallery, operation).is_ok(), expected, "{:?}", operation);
            prop_assert_eq!(contents(&gallery), model.people.clone());
            reader.reload().unwrap();
            prop_assert_eq!(contents(&reader), model.people.clone(), "a reader after {:?}", operation);
        }
    });
}
