//! Whose key is whose. Every record names its person and the serial of that person's key; each belongs to one
//! of the other. A record that contradicts those before it was forged by whoever has the gallery's key: it is
//! damage, so a removal of that kind destroys nothing.

use crate::Finding;
use crate::edit::{Edit, What};
use crate::seal::Id;
use crate::snapshot::Snapshot;
use mfn_template::PersonId;
use std::collections::HashMap;

/// People and the serials of their keys.
pub(crate) struct Owners {
    serials: HashMap<PersonId, Id>,
    people: HashMap<Id, PersonId>,
    next_id: u64,
}

impl Owners {
    /// Everybody in a snapshot; those who name a key that belongs to somebody before them are damaged.
    pub(crate) fn of(state: &Snapshot) -> (Owners, Vec<(Id, Finding)>) {
        let (serials, people) = Default::default();
        let mut owners = Owners { serials, people, next_id: state.next_id };
        let forged = state.people.iter().filter(|person| !owners.claim(person.id, person.key.serial));
        let damaged = |id| Finding::DamagedPerson { person: id };
        let forged = forged.map(|person| (person.key.serial, damaged(person.id))).collect();
        (owners, forged)
    }

    /// Marks the edits that contradict what was before them.
    pub(crate) fn judge(&mut self, operations: &mut [Vec<Edit>]) {
        for edit in operations.iter_mut().flatten() {
            if !self.is_sound(edit) {
                edit.what = What::Damaged;
            }
        }
    }

    fn is_sound(&mut self, edit: &Edit) -> bool {
        let (person, serial) = (edit.person, edit.key.serial);
        let fresh = person.0 >= self.next_id;
        self.next_id = self.next_id.max(person.0.saturating_add(1));
        match edit.what {
            What::New { .. } => fresh && self.claim(person, serial),
            What::Template(_) | What::Details { .. } => self.serials.get(&person) == Some(&serial),
            // Of people who could not be read, too.
            What::Remove | What::Erased | What::Damaged => {
                self.serials.get(&person).is_none_or(|own| *own == serial)
                    && self.people.get(&serial).is_none_or(|owner| *owner == person)
            }
        }
    }

    fn claim(&mut self, person: PersonId, serial: Id) -> bool {
        let free = !self.serials.contains_key(&person) && !self.people.contains_key(&serial);
        if free {
            self.serials.insert(person, serial);
            self.people.insert(serial, person);
        }
        free
    }
}
