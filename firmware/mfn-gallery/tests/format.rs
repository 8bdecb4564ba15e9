//! A gallery and a backup of the first versions of their formats, which every later release must open.

mod common;

use common::*;
use mfn_gallery::{
    Access, Backup, Cost, FileGallery, Folder, GALLERY_FILE, Gallery, Group, KEYS_FILE, Metadata, Note,
    Passphrase, Removed,
};
use mfn_template::PersonId;
use std::fs;
use std::path::{Path, PathBuf};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v2")
}

fn metadata() -> Metadata {
    Metadata {
        enabled: false,
        group: Some(Group::new("staff").unwrap()),
        valid_from: Some(1_700_000_000),
        valid_until: Some(1_800_000_000),
        erase_after: Some(4_102_444_800),
        note: Note::new("side entrance only").unwrap(),
    }
}

#[test]
fn the_committed_gallery_opens() {
    let dir = tempfile::tempdir().unwrap();
    for name in [GALLERY_FILE, KEYS_FILE] {
        fs::copy(committed().join(name), dir.path().join(name)).unwrap();
    }
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    assert_eq!(gallery.findings(), []);
    let people: Vec<_> =
        gallery.people().iter().map(|p| (p.id.0, p.name.as_str(), p.templates.len())).collect();
    assert_eq!(people, [(1, "Ann", 2), (3, "José Núñez", 1), (4, "李小龍", 2)]);
    assert_eq!(gallery.person(PersonId(3)).unwrap().metadata, metadata());
    assert_eq!((gallery.generation(), gallery.erased().len()), (7, 1));
    let note = gallery.people()[0].templates[0];
    assert_eq!((note.taken(), note.quality), (at(1_700_000_000), 0.5));
    let best = gallery.search(&template([0.0, 3.0, 4.0, 0.0]), 1).best().unwrap();
    assert_eq!((best.person, (best.similarity * 1000.0).round()), (PersonId(4), 1000.0));
    assert_eq!(gallery.enrol(&name("Eve"), &[reference([1.0; 4])]).unwrap(), PersonId(5));
}

/// The passphrase of the committed backup.
fn passphrase() -> Passphrase {
    Passphrase::new("a passphrase that is no secret".to_owned()).unwrap()
}

#[test]
fn the_committed_backup_can_be_imported() {
    let file = fs::File::open(committed().join("backup")).unwrap();
    let backup = Backup::read(file, &passphrase()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let done = gallery.import(&backup, Removed::LeaveOut).unwrap();
    assert_eq!(done.added, [1, 3, 4].map(|id| (PersonId(id), PersonId(id))));
    assert_eq!(gallery.person(PersonId(3)).unwrap().metadata, metadata());
    assert_eq!((backup.generation(), gallery.erased().len()), (7, 1));
    let best = gallery.search(&template([0.0, 3.0, 4.0, 0.0]), 1).best().unwrap();
    assert_eq!((best.person, (best.similarity * 1000.0).round()), (PersonId(4), 1000.0));
}

#[test]
#[ignore = "writes the committed backup"]
fn make_the_committed_backup() {
    let file = fs::File::create_new(committed().join("backup"));
    let cost = Cost { memory_kib: 64, passes: 2, lanes: 2 };
    open(&committed(), Access::Read).unwrap().export(&mut file.unwrap(), &passphrase(), cost).unwrap();
}

/// How it was made; a new version gets a new folder.
#[test]
#[ignore = "writes the committed gallery"]
fn make_the_committed_gallery() {
    let dir = committed();
    let folder = Box::new(Folder::new(&dir));
    let mut gallery = FileGallery::open_on(folder, &space(), DIMENSION, Access::Write, &key(), 8).unwrap();
    assert!(gallery.people().is_empty(), "it is there already");
    gallery.enrol(&name("Ann"), &[reference([1.0, 0.0, 0.0, 0.0])]).unwrap();
    let second = gallery.enrol(&name("second"), &[reference([1.0; 4])]).unwrap();
    let third = gallery.enrol(&name("José Núñez"), &[reference([0.0, 0.0, -1.0, 0.0])]).unwrap();
    gallery.set_metadata(third, &metadata()).unwrap();
    gallery.remove(second).unwrap();
    gallery.compact().unwrap();
    gallery
        .enrol(&name("李小龍"), &[reference([0.0, 3.0, 4.0, 0.0]), reference([0.0, 1.0, 0.0, 0.0])])
        .unwrap();
    gallery.add_templates(PersonId(1), &[reference([1.0, 1.0, 0.0, 0.0])]).unwrap();
    drop(gallery);
    fs::remove_file(dir.join(mfn_gallery::LOCK_FILE)).unwrap();
}
