//! Parts of other copies and of other galleries, and forgery: each kind told apart.

use super::damage::{alter, bytes, damaged, file, problem, slot, three};
use super::harness::{key, open, space};
use super::model::{DIMENSION, Operation, ask, contents};
use super::sim::SimDisk;
use crate::edit::{Edit, What};
use crate::header::{Header, PAGE};
use crate::seal::Secret;
use crate::slot::SlotKeys;
use crate::{Access, FileGallery, Finding, GALLERY_FILE, Gallery, GalleryKey, KEYS_FILE, Problem};
use mfn_template::PersonId;

#[test]
fn swapped_slots_are_named() {
    let disk = three();
    alter(&disk, |gallery| {
        let (first, second) = (slot(gallery, 0).to_vec(), slot(gallery, 1).to_vec());
        slot(gallery, 0).copy_from_slice(&second);
        slot(gallery, 1).copy_from_slice(&first);
    });
    let swapped = |place, from| Finding::SwappedSlot { place, from };
    damaged(&disk, &[swapped(0, 1), swapped(1, 0)], &[3]);
}

#[test]
fn slots_of_another_gallery_are_named() {
    let (disk, other) = (three(), three());
    let foreign = slot(&mut bytes(&other, GALLERY_FILE), 1).to_vec();
    alter(&disk, |gallery| slot(gallery, 1).copy_from_slice(&foreign));
    damaged(&disk, &[Finding::SlotOfOtherGallery { place: 1 }], &[1, 3]);
}

#[test]
fn a_journal_rolled_back_under_a_newer_snapshot_is_named() {
    let disk = three();
    let old = slot(&mut bytes(&disk, GALLERY_FILE), 0).to_vec();
    open(&disk, Access::Write).unwrap().compact().unwrap();
    alter(&disk, |gallery| slot(gallery, 0).copy_from_slice(&old));
    damaged(&disk, &[Finding::SlotOfOtherSnapshot { place: 0 }], &[1, 2, 3]);
}

#[test]
fn an_old_copy_does_not_bring_a_removed_person_back() {
    let disk = three();
    let old = bytes(&disk, GALLERY_FILE);
    ask(&mut open(&disk, Access::Write).unwrap(), &Operation::Remove(2)).unwrap();
    alter(&disk, |gallery| *gallery = old);
    let mut gallery = open(&disk, Access::Write).unwrap();
    assert_eq!(gallery.findings(), [Finding::Erased { person: PersonId(2) }]);
    assert_eq!(contents(&gallery).into_keys().collect::<Vec<_>>(), [1, 3]);
    ask(&mut gallery, &Operation::Enrol(5, vec![5])).unwrap();
    gallery.compact().unwrap();
    assert_eq!(open(&disk, Access::Read).unwrap().people().len(), 3);
}

/// A slot that whoever has the gallery's key can seal: about `person`, under the key of person 2 or under one
/// that nobody has.
fn forged(disk: &SimDisk, person: u64, of_two: bool, what: What) -> Vec<u8> {
    let mut theirs = open(disk, Access::Read).unwrap().person(PersonId(2)).unwrap().key;
    if !of_two {
        theirs.serial = [9; 16];
    }
    let file = bytes(disk, GALLERY_FILE);
    let header = Header::parse(&file[..PAGE], file.len() as u64).unwrap();
    let keys = SlotKeys::new(&key().0, header.gallery, header.snapshot, header.dimension);
    let edit = Edit { person: PersonId(person), key: theirs, what };
    keys.seal(3, (3, 3), &edit, &Secret::random().unwrap()).unwrap()
}

/// Nobody's key is destroyed under somebody else's removal, and nobody shares one.
#[test]
fn a_record_that_names_another_persons_key_is_damage() {
    for (person, of_two) in [(1, true), (9, true), (1, false)] {
        let disk = three();
        let forged = forged(&disk, person, of_two, What::Remove);
        alter(&disk, |gallery| slot(gallery, 3).copy_from_slice(&forged));
        damaged(&disk, &[Finding::DamagedPerson { person: PersonId(person) }], &[1, 2, 3]);
    }
}

#[test]
fn keys_and_files_of_others_are_told_apart() {
    let (disk, other) = (three(), three());
    let strange = GalleryKey::from_bytes(&[8; 32]);
    let opened = FileGallery::open_on(Box::new(disk.clone()), &space(), DIMENSION, Access::Read, &strange, 6);
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("another gallery key"), "{error}");
    disk.alter(|image| *file(image, KEYS_FILE) = bytes(&other, KEYS_FILE));
    assert!(matches!(problem(&disk), Problem::OtherGallery));
    disk.alter(|image| assert!(image.names.remove(KEYS_FILE).is_some()));
    assert!(matches!(problem(&disk), Problem::KeysMissing));
    other.alter(|image| assert!(image.names.remove(GALLERY_FILE).is_some()));
    assert!(matches!(problem(&other), Problem::GalleryMissing));
}
