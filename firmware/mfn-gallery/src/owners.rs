//! Whose key is whose. Every record names the place of its person's key; no two people have the same, so a
//! record that names somebody else's was forged by whoever has the gallery's key: it is damage, and a removal
//! of that kind destroys nothing.

use crate::Finding;
use crate::edit::{Edit, What};
use crate::seal::Id;
use crate::snapshot::Snapshot;
use mfn_template::PersonId;
use std::collections::HashMap;

/// People by the serials of their keys.
#[derive(Default)]
pub(crate) struct Owners(HashMap<Id, PersonId>);

impl Owners {
    /// Everybody in a snapshot; those who name a key that belongs to somebody before them are damaged.
    pub(crate) fn of(state: &Snapshot) -> (Owners, Vec<(Id, Finding)>) {
        let mut owners = Owners::default();
        let forged = state.people.iter().filter(|person| !owners.is_own(person.key.serial, person.id));
        let damaged = |id| Finding::DamagedPerson { person: id };
        let forged = forged.map(|person| (person.key.serial, damaged(person.id))).collect();
        (owners, forged)
    }

    /// Marks the edits that name somebody else's key.
    pub(crate) fn judge(&mut self, operations: &mut [Vec<Edit>]) {
        for edit in operations.iter_mut().flatten() {
            if !self.is_own(edit.key.serial, edit.person) {
                edit.what = What::Damaged;
            }
        }
    }

    fn is_own(&mut self, serial: Id, person: PersonId) -> bool {
        *self.0.entry(serial).or_insert(person) == person
    }
}
