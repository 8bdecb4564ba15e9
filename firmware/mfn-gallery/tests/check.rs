//! Looking without changing: check, description, migration, and readers without a key.

mod common;

use common::*;
use mfn_gallery::{
    Access, Check, Description, FileGallery, GALLERY_FILE, Gallery, GalleryError, KEYS_FILE, Migration,
    Problem, Remark,
};
use mfn_template::TemplateSpace;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

fn private_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    dir
}

fn bytes_and_times(dir: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let one = |e: fs::DirEntry| {
        let name = e.file_name().into_string().unwrap();
        (name, (fs::read(e.path()).unwrap(), e.metadata().unwrap().modified().unwrap()))
    };
    entries.map(one).collect()
}

#[test]
fn a_check_counts_everything_and_changes_nothing() {
    let dir = private_folder();
    assert_eq!(Check::of(dir.path(), &key()).unwrap(), None);
    let mut writer = open(dir.path(), Access::Write).unwrap();
    let ann = writer.enrol(&name("Ann"), &[reference([1.0; 4]), reference([1.0, 0.0, 0.0, 0.0])]).unwrap();
    writer.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
    writer.remove(ann).unwrap();
    let before = bytes_and_times(dir.path());
    // While another writes.
    let check = Check::of(dir.path(), &key()).unwrap().unwrap();
    assert_eq!(bytes_and_times(dir.path()), before);
    assert!(check.is_sound() && check.remarks.is_empty(), "{check:?}");
    assert_eq!((check.generation, check.people, check.templates, check.erased), (3, 1, 1, 1));
    assert_eq!((check.journal, check.description.version), ((4, 1024), 2));
    assert_eq!(check.description, Description::of(dir.path()).unwrap().unwrap());
}

#[test]
fn a_check_says_what_is_damaged_and_what_is_remarkable() {
    let dir = private_folder();
    let mut writer = open(dir.path(), Access::Write).unwrap();
    for text in ["Ann", "Ben"] {
        writer.enrol(&name(text), &[reference([1.0; 4])]).unwrap();
    }
    drop(writer);
    let (file, keys) = (dir.path().join(GALLERY_FILE), dir.path().join(KEYS_FILE));
    let mut bytes = fs::read(&keys).unwrap();
    bytes[2 * 4096 + 100] ^= 1;
    fs::write(&keys, bytes).unwrap();
    fs::write(dir.path().join("gallery.mfn.new"), "half").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let check = Check::of(dir.path(), &key()).unwrap().unwrap();
    let open = Remark::Open { name: GALLERY_FILE, mode: 0o644 };
    assert!(check.is_sound());
    assert_eq!(check.remarks, [Remark::StaleKeys(1), Remark::LeftOver("gallery.mfn.new"), open]);
    let mut bytes = fs::read(&file).unwrap();
    let first_slot = bytes.len() - 1024 * 4096;
    bytes[first_slot + 100] ^= 1;
    fs::write(&file, bytes).unwrap();
    let check = Check::of(dir.path(), &key()).unwrap().unwrap();
    assert!(!check.is_sound() && check.people == 1, "{check:?}");
}

#[test]
fn another_model_asks_for_enrolling_again() {
    let dir = tempfile::tempdir().unwrap();
    let (space, other) = (space(), TemplateSpace::new("other").unwrap());
    let migration = |space: &TemplateSpace, d| Migration::of(dir.path(), &key(), space, d).unwrap();
    assert_eq!(migration(&space, 4), Migration::Nothing);
    let mut writer = open(dir.path(), Access::Write).unwrap();
    writer.enrol(&name("Ann"), &[reference([1.0; 4])]).unwrap();
    let found = Description { version: 2, space: space.clone(), dimension: 4 };
    assert_eq!(migration(&space, 4), Migration::Current(found.clone()));
    let Migration::Reenrol { found: again, people } = migration(&other, 512) else { panic!("same model") };
    assert_eq!((again, people), (found, writer.people().to_vec()));
}

#[test]
fn a_gallery_of_the_future_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), Access::Write).unwrap());
    let file = dir.path().join(GALLERY_FILE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 3;
    fs::write(&file, &bytes).unwrap();
    let error = Migration::of(dir.path(), &key(), &space(), 4).unwrap_err();
    assert!(matches!(error, GalleryError::Unusable { problem: Problem::UnknownVersion(3), .. }), "{error}");
    assert!(matches!(refusal(dir.path(), Access::Write), GalleryError::Unusable { .. }));
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn only_a_writer_makes_a_key() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, key_file) = (parent.path().join("gallery"), parent.path().join("gallery.key"));
    let with = |access| FileGallery::open_with_key_file(&dir, &space(), DIMENSION, access, &key_file);
    let (mut reader, made) = with(Access::Read).unwrap();
    assert!(!made && !key_file.exists() && !dir.exists() && reader.people().is_empty());
    let (mut writer, made) = with(Access::Write).unwrap();
    assert!(made && key_file.exists());
    writer.enrol(&name("Ann"), &[reference([1.0; 4])]).unwrap();
    assert!(reader.reload().unwrap() && reader.find("Ann").is_some(), "the key has come with the gallery");
    drop(writer);
    assert!(!with(Access::Write).unwrap().1);
    // Beside a gallery a missing key is not made anew, by nobody.
    fs::remove_file(&key_file).unwrap();
    for access in [Access::Read, Access::Write] {
        let error = with(access).err().unwrap().to_string();
        assert!(error.contains("there is no gallery key") && !key_file.exists(), "{error}");
    }
}
