//! One slot of the journal: sealing an edit, and telling what a slot is.

use crate::bytes::Fields;
use crate::edit::{Edit, What};
use crate::header::PAGE;
use crate::keys::{KeyTable, Lookup};
use crate::person::KeyPlace;
use crate::seal::{Id, OVERHEAD, Secret};
use mfn_template::PersonId;
use std::io;

/// Bytes before the nonce: gallery, snapshot, place, zeros.
const OPEN: usize = 40;

/// What is needed to read and write the slots of one journal.
pub(crate) struct SlotKeys {
    master: Secret,
    journal: Secret,
    gallery: Id,
    snapshot: Id,
    dimension: usize,
}

/// What a slot is.
#[derive(Debug, PartialEq)]
pub(crate) enum Slot {
    /// Zeros: never written.
    Empty,
    /// An edit, and the places of the operation that it belongs to.
    Edit { first: u32, last: u32, edit: Edit },
    /// Sound, but of another place in this journal.
    Misplaced(u32),
    /// Sound, but of another snapshot of this gallery.
    OtherSnapshot,
    /// Of another gallery.
    OtherGallery,
    /// Not to be opened.
    Bad,
}

impl SlotKeys {
    pub(crate) fn new(master: &Secret, gallery: Id, snapshot: Id, dimension: usize) -> SlotKeys {
        let journal = master.derive(&gallery, "journal", &snapshot);
        SlotKeys { master: master.clone(), journal, gallery, snapshot, dimension }
    }

    /// The bytes of one slot.
    pub(crate) fn seal(
        &self,
        place: u32,
        (first, last): (u32, u32),
        edit: &Edit,
        person: &Secret,
    ) -> io::Result<Vec<u8>> {
        let (kind, text) = edit.what.encode();
        let inner = match edit.what {
            What::Remove => Vec::new(),
            _ => person.seal(&self.inner_associated(place), &text)?,
        };
        let mut fields: Vec<u8> = vec![kind, 0, 0, 0];
        for number in [first, last, edit.key.entry] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend(edit.person.0.to_le_bytes());
        fields.extend(edit.key.serial);
        fields.extend((text.len() as u16).to_le_bytes());
        fields.extend([0; 6]);
        fields.extend(inner);
        if fields.len() > PAGE - OPEN - OVERHEAD {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        fields.resize(PAGE - OPEN - OVERHEAD, 0);
        let open = self.open_part(place);
        Ok([open.as_slice(), &self.journal.seal(&open, &fields)?].concat())
    }

    /// What these bytes are, found at this place.
    pub(crate) fn open(&self, place: u32, bytes: &[u8], keys: &KeyTable) -> Slot {
        if bytes.iter().all(|&b| b == 0) {
            return Slot::Empty;
        }
        let (open, sealed) = bytes.split_at(OPEN);
        if open != self.open_part(place) {
            return self.foreign(open, sealed);
        }
        let edit = self.journal.open(open, sealed).and_then(|text| self.decode(place, &text, keys));
        edit.unwrap_or(Slot::Bad)
    }

    /// A slot that says itself that it belongs elsewhere, believed when its tag agrees.
    fn foreign(&self, open: &[u8], sealed: &[u8]) -> Slot {
        let mut fields = Fields(open);
        let claimed = (|| Some((fields.id()?, fields.id()?, fields.u32()?)))();
        let Some((gallery, snapshot, place)) = claimed else { return Slot::Bad };
        let key = self.master.derive(&gallery, "journal", &snapshot);
        let genuine = key.open(open, sealed).is_some();
        match (gallery == self.gallery, snapshot == self.snapshot) {
            _ if !genuine => Slot::Bad,
            (false, _) => Slot::OtherGallery,
            (true, false) => Slot::OtherSnapshot,
            (true, true) => Slot::Misplaced(place),
        }
    }

    fn decode(&self, place: u32, text: &[u8], keys: &KeyTable) -> Option<Slot> {
        let mut fields = Fields(text);
        let kind = fields.u8()?;
        fields.zeros(3)?;
        let (first, last, entry) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (person, serial) = (PersonId(fields.u64()?), fields.id()?);
        let inner = usize::from(fields.u16()?);
        fields.zeros(6)?;
        if !(first..=last).contains(&place) || !(1..=4).contains(&kind) {
            return None;
        }
        let key = KeyPlace { entry, serial };
        let what = match keys.get(key) {
            _ if kind == 4 => What::Remove,
            Lookup::Destroyed => What::Erased,
            Lookup::Damaged => What::Damaged,
            Lookup::Key(secret) => {
                let text = secret.open(&self.inner_associated(place), fields.bytes(inner + OVERHEAD)?);
                text.and_then(|text| What::decode(kind, &text, self.dimension)).unwrap_or(What::Damaged)
            }
        };
        Some(Slot::Edit { first, last, edit: Edit { person, key, what } })
    }

    fn open_part(&self, place: u32) -> [u8; OPEN] {
        let mut open = [0; OPEN];
        open[..16].copy_from_slice(&self.gallery);
        open[16..32].copy_from_slice(&self.snapshot);
        open[32..36].copy_from_slice(&place.to_le_bytes());
        open
    }

    fn inner_associated(&self, place: u32) -> Vec<u8> {
        [b"slot".as_slice(), &self.snapshot, &place.to_le_bytes()].concat()
    }
}
