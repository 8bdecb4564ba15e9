//! Backups: what goes out comes in again, and nobody who was removed comes back unnoticed.

mod common;

use common::*;
use mfn_gallery::{
    Access, Backup, BackupError, Cost, FileGallery, Gallery, GalleryError, Imported, Metadata, Passphrase,
    Removed,
};
use mfn_template::{PersonId, TemplateSpace};
use tempfile::TempDir;

/// The smallest cost that Argon2 allows: these tests are not about it.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery".to_owned()).unwrap()
}

fn fresh() -> (TempDir, FileGallery) {
    let dir = tempfile::tempdir().unwrap();
    let gallery = open(dir.path(), Access::Write).unwrap();
    (dir, gallery)
}

/// Ann (1, two templates), Ben (2, removed), Eve (3, in a group).
fn original() -> (TempDir, FileGallery) {
    let (dir, mut gallery) = fresh();
    gallery.enrol(&name("Ann"), &[reference([1.0, 0.0, 0.0, 0.0]), reference([1.0; 4])]).unwrap();
    let ben = gallery.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
    let eve = gallery.enrol(&name("Eve"), &[reference([0.0, 0.0, 1.0, 0.0])]).unwrap();
    let metadata = Metadata { valid_until: Some(9), ..Metadata::default() };
    gallery.set_metadata(eve, &metadata).unwrap();
    gallery.remove(ben).unwrap();
    (dir, gallery)
}

fn export(gallery: &FileGallery) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(gallery.export(&mut bytes, &passphrase(), CHEAP).unwrap(), gallery.people().len());
    bytes
}

fn read(bytes: &[u8]) -> Backup {
    Backup::read(bytes, &passphrase()).unwrap()
}

fn summary(gallery: &FileGallery) -> Vec<(u64, String, Metadata, usize)> {
    let line = |p: &mfn_gallery::Person| (p.id.0, p.name.to_string(), p.metadata.clone(), p.templates.len());
    gallery.people().iter().map(line).collect()
}

#[test]
fn an_unused_gallery_becomes_the_one_that_was_backed_up() {
    let (_keep, old) = original();
    let (dir, mut new) = fresh();
    let ids = [1, 3].map(|id| (PersonId(id), PersonId(id)));
    let done = new.import(&read(&export(&old)), Removed::LeaveOut).unwrap();
    assert_eq!(done, Imported { added: ids.to_vec(), ..Imported::default() });
    drop(new);
    let mut new = open(dir.path(), Access::Write).unwrap();
    assert_eq!(new.findings(), []);
    assert_eq!((summary(&new), new.erased()), (summary(&old), old.erased()));
    let best = new.search(&template([1.0; 4]), 1).best().unwrap();
    assert!(best.person == PersonId(1) && best.similarity > 0.999);
    // Ids go on where they were: Ben's is not given again.
    assert_eq!(new.enrol(&name("Fay"), &[reference([0.5; 4])]).unwrap(), PersonId(4));
}

#[test]
fn whoever_is_here_stays_as_they_are() {
    let (_keep, mut gallery) = original();
    let backup = read(&export(&gallery));
    gallery.rename(PersonId(1), &name("Anna")).unwrap();
    let before = summary(&gallery);
    let done = gallery.import(&backup, Removed::LeaveOut).unwrap();
    assert_eq!(done, Imported { here: vec![PersonId(1), PersonId(3)], ..Imported::default() });
    assert_eq!(summary(&gallery), before);
}

#[test]
fn an_old_backup_does_not_bring_a_removed_person_back_unnoticed() {
    let (dir, mut gallery) = original();
    let backup = read(&export(&gallery));
    gallery.remove(PersonId(3)).unwrap();
    let done = gallery.import(&backup, Removed::LeaveOut).unwrap();
    assert_eq!((done.removed_since, done.here), (vec![PersonId(3)], vec![PersonId(1)]));
    assert!(gallery.find("Eve").is_none());
    let done = gallery.import(&backup, Removed::Readmit).unwrap();
    assert_eq!((done.removed_since, done.added), (vec![PersonId(3)], vec![(PersonId(3), PersonId(4))]));
    drop(gallery);
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    assert_eq!((gallery.findings(), gallery.find("Eve").unwrap().id), (&[][..], PersonId(4)));
    assert_eq!(gallery.erased().len(), 2);
    // Removed once more, also the copy of then stays out.
    let backup = read(&export(&gallery));
    gallery.remove(PersonId(4)).unwrap();
    assert_eq!(gallery.import(&backup, Removed::LeaveOut).unwrap().removed_since, [PersonId(4)]);
}

/// People keep their opaque ids through a backup, so the erasure list of one gallery works in the next.
#[test]
fn removal_reaches_through_a_restored_gallery() {
    let (_keep, old) = original();
    let backup = read(&export(&old));
    let (_dir, mut new) = fresh();
    new.import(&backup, Removed::LeaveOut).unwrap();
    new.remove(PersonId(3)).unwrap();
    assert_eq!(new.import(&backup, Removed::LeaveOut).unwrap().removed_since, [PersonId(3)]);
    // The other way round: a newer backup says that somebody who is here was removed.
    let (dir, mut old) = (_keep, old);
    let done = old.import(&read(&export(&new)), Removed::LeaveOut).unwrap();
    assert_eq!((done.removed_here, done.here), (vec![PersonId(3)], vec![PersonId(1)]));
    drop(old);
    let old = open(dir.path(), Access::Write).unwrap();
    assert_eq!((old.findings(), old.people().len(), old.erased().len()), (&[][..], 1, 2));
}

#[test]
fn strangers_get_new_ids_and_taken_names_are_told() {
    let (_keep, old) = original();
    let (_dir, mut other) = fresh();
    other.enrol(&name("Ann"), &[reference([0.0, 0.0, 0.0, 1.0])]).unwrap();
    let done = other.import(&read(&export(&old)), Removed::LeaveOut).unwrap();
    assert_eq!(done.name_taken, [(PersonId(1), name("Ann"))]);
    assert_eq!(done.added, [(PersonId(3), PersonId(2))]);
    assert_eq!(other.erased(), old.erased());
}

#[test]
fn backups_of_other_networks_are_refused() {
    let (_keep, old) = original();
    let dir = tempfile::tempdir().unwrap();
    let other = TemplateSpace::new("another").unwrap();
    let mut gallery = FileGallery::open(dir.path(), &other, DIMENSION, Access::Write, &key()).unwrap();
    let error = gallery.import(&read(&export(&old)), Removed::LeaveOut).unwrap_err();
    assert!(
        matches!(error, GalleryError::BackupOfOther(_)) && error.to_string().contains("test-space"),
        "{error}"
    );
    let mut reader = open(_keep.path(), Access::Read).unwrap();
    assert!(matches!(reader.import(&read(&export(&old)), Removed::LeaveOut), Err(GalleryError::ReadOnly)));
}

#[test]
fn nothing_of_a_backup_can_be_read_or_altered() {
    let (_keep, gallery) = original();
    let bytes = export(&gallery);
    let inside = |text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
    assert!(!inside(b"Ann") && !inside(b"test-space") && !inside(&1.0f32.to_le_bytes().repeat(2)));
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        // Every bit of a cost that is still bearable changes the key.
        assert!(Backup::read(altered.as_slice(), &passphrase()).is_err(), "byte {at}");
        assert!(Backup::read(&bytes[..at], &passphrase()).is_err(), "cut at {at}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(Backup::read(longer.as_slice(), &passphrase()), Err(BackupError::Damaged(_))));
}

#[test]
fn errors_name_what_is_wrong() {
    let (_keep, gallery) = original();
    let bytes = export(&gallery);
    let with = |at: usize, value: u32| {
        let mut altered = bytes.clone();
        altered[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Backup::read(altered.as_slice(), &passphrase()).unwrap_err()
    };
    assert!(matches!(with(0, 7), BackupError::NotABackup));
    assert!(matches!(with(8, 7), BackupError::UnknownVersion(7)));
    for (at, value) in
        [(12, u32::MAX), (12, 256 * 1024 + 1), (12, 0), (16, 0), (16, u32::MAX), (20, 0), (20, 17)]
    {
        assert!(matches!(with(at, value), BackupError::Cost(_)), "{value} at {at}");
    }
    let other = Passphrase::new("another passphrase".to_owned()).unwrap();
    assert!(matches!(Backup::read(bytes.as_slice(), &other), Err(BackupError::WrongPassphrase)));
    for text in ["too short", "", &"x".repeat(1025)] {
        assert!(matches!(Passphrase::new(text.to_owned()), Err(BackupError::Passphrase)));
    }
    assert!(matches!(Backup::read(&b""[..], &passphrase()), Err(BackupError::NotABackup)));
    let refused = gallery.export(&mut Vec::new(), &passphrase(), Cost { passes: 0, ..CHEAP });
    assert!(matches!(refused, Err(BackupError::Cost(_))));
}

/// Argon2id's own test vectors are the crate's; this one says that we ask it for what we say.
#[test]
fn the_default_cost_is_the_second_one_of_rfc_9106() {
    assert_eq!(Cost::default(), Cost { memory_kib: 65_536, passes: 3, lanes: 4 });
    let (_keep, gallery) = original();
    let mut bytes = Vec::new();
    gallery.export(&mut bytes, &passphrase(), Cost::default()).unwrap();
    assert_eq!(read(&bytes).people(), 2);
}
