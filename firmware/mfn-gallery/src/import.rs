//! Export, and import of a backup into a gallery, empty or not: the erasure lists of both decide who
//! may come.

use crate::backup::{self, Backup, BackupError, BackupPerson};
use crate::edit::{Edit, What};
use crate::passphrase::{Cost, Passphrase};
use crate::person::KeyPlace;
use crate::seal::Id;
use crate::store::FileGallery;
use crate::{Gallery, GalleryError, PersonName, Problem};
use mfn_template::PersonId;
use std::collections::HashSet;
use std::io::Write;

/// What an import does with people who were removed after the backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Leaves them out.
    LeaveOut,
    /// Enrols them anew: somebody has decided so. The erasure list keeps their old ids.
    Readmit,
}

/// What an import has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Who came in: id in the backup, id here. They are the same in a gallery that was never used.
    pub added: Vec<(PersonId, PersonId)>,
    /// Ids in the backup of people who are here already; they stay as they are here.
    pub here: Vec<PersonId>,
    /// Ids in the backup of people who were removed since; left out, unless they were to be readmitted.
    pub removed_since: Vec<PersonId>,
    /// People whose name somebody else has here; left out.
    pub name_taken: Vec<(PersonId, PersonName)>,
    /// Ids of people who were here and whom the backup's erasure list names; removed.
    pub removed_here: Vec<PersonId>,
}

impl FileGallery {
    /// Writes everybody and the erasure list to a backup under a passphrase; returns the number of
    /// people. The caller makes the file last (and gives it mode 0600).
    ///
    /// # Errors
    /// It cannot be written, or the cost is out of bounds.
    pub fn export(
        &self,
        out: &mut dyn Write,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<usize, BackupError> {
        backup::write(out, self.state(), self.space(), passphrase, cost)?;
        Ok(self.people().len())
    }

    /// Takes over the people of a backup, all at once or nobody, and its erasure list.
    ///
    /// # Errors
    /// The backup is of another network, or the change cannot be saved.
    pub fn import(&mut self, backup: &Backup, removed: Removed) -> Result<Imported, GalleryError> {
        self.check_writable()?;
        self.in_place()?;
        self.fits(backup)?;
        let (plan, mut done) = self.plan(backup, removed);
        let mut edits: Vec<Edit> = self.state().removal(&done.removed_here)?;
        let keys = self.claim_keys(&plan, &done.removed_since)?;
        let unused = self.state().next_id == 1;
        for ((person, key), next) in plan.iter().zip(keys).zip(self.state().next_id..) {
            let id = if unused { person.id } else { PersonId(next) };
            done.added.push((person.id, id));
            edits.extend(enrolment(person, id, key));
        }
        let operation = [edits];
        let mut next = self.state().after(&operation);
        let known: HashSet<Id> = next.erased.iter().copied().collect();
        next.erased.extend(backup.erased.iter().filter(|id| !known.contains(*id)));
        if unused {
            next.next_id = next.next_id.max(backup.next_id);
        }
        self.rewrite(next)?;
        self.destroy(&operation[0])?;
        Ok(done)
    }

    fn fits(&self, backup: &Backup) -> Result<(), GalleryError> {
        let (found, wanted) = (backup.space.clone(), self.space().clone());
        if found != wanted {
            return Err(GalleryError::BackupOfOther(Problem::WrongSpace { found, wanted }));
        }
        let (found, wanted) = (backup.dimension, self.dimension());
        if found != wanted {
            return Err(GalleryError::BackupOfOther(Problem::WrongDimension { found, wanted }));
        }
        self.state().check_ids(backup.people.len())?;
        self.state().check_room(backup.people.iter().map(|p| p.references.len()).sum())
    }

    /// Who comes in, and what becomes of the others.
    fn plan<'a>(&self, backup: &'a Backup, removed: Removed) -> (Vec<&'a BackupPerson>, Imported) {
        let erased: HashSet<&Id> = self.erased().iter().chain(&backup.erased).collect();
        let here: HashSet<Id> = self.people().iter().map(|p| p.key.serial).collect();
        let goes = |p: &&crate::Person| backup.erased.contains(&p.key.serial);
        let removed_here: Vec<PersonId> = self.people().iter().filter(goes).map(|p| p.id).collect();
        let stays = self.people().iter().filter(|p| !removed_here.contains(&p.id));
        let names: HashSet<&str> = stays.map(|p| p.name.as_str()).collect();
        let mut done = Imported { removed_here, ..Imported::default() };
        let mut plan = Vec::new();
        for person in &backup.people {
            let gone = erased.contains(&person.serial);
            if gone {
                done.removed_since.push(person.id);
            }
            if gone && removed == Removed::LeaveOut {
                continue;
            }
            if here.contains(&person.serial) && !gone {
                done.here.push(person.id);
            } else if names.contains(person.name.as_str()) {
                done.name_taken.push((person.id, person.name.clone()));
            } else {
                plan.push(person);
            }
        }
        (plan, done)
    }

    /// Keys for people who come in. They keep their serials, by which erasure lists know them; a removed
    /// person's serial is burnt: whoever comes again does so under another one.
    fn claim_keys(
        &mut self,
        plan: &[&BackupPerson],
        removed: &[PersonId],
    ) -> Result<Vec<KeyPlace>, GalleryError> {
        let places = self.fresh_keys(plan.len())?;
        let kept = |(person, place): (&&BackupPerson, &KeyPlace)| {
            if removed.contains(&person.id) { place.serial } else { person.serial }
        };
        let serials: Vec<Id> = plan.iter().zip(&places).map(kept).collect();
        let Some(keys) = self.loaded.as_mut().and_then(|l| l.keys.as_mut()) else { return Ok(Vec::new()) };
        let claimed = keys.claim(&places, &serials);
        claimed.map_err(|e| self.not_saved(e))
    }
}

fn enrolment(person: &BackupPerson, id: PersonId, key: KeyPlace) -> impl Iterator<Item = Edit> {
    person.references.iter().cloned().enumerate().map(move |(i, reference)| {
        let (name, metadata) = (person.name.clone(), person.metadata.clone());
        let what = if i == 0 { What::New { name, metadata, reference } } else { What::Template(reference) };
        Edit { person: id, key, what }
    })
}
