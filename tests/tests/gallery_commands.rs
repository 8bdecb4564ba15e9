//! Backups and upkeep of the gallery as an administrator does them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use mfn_gallery::{Access, EnrolTemplate, FileGallery, GALLERY_FILE, Gallery, GalleryKey};
use mfn_template::{Template, TemplateSpace};
use mfn_tests::{Finished, Kiosk, fixture};
use tempfile::TempDir;

/// A gallery with Ada, and a file with a passphrase.
struct World {
    folder: TempDir,
    kiosk: Kiosk,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let kiosk = Kiosk::within(folder.path());
        kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg"), "--group", "staff"]).expect(0);
        fs::write(folder.path().join("passphrase"), "correct horse battery staple\n").unwrap();
        World { folder, kiosk }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// `gallery WHAT ...` with the passphrase.
    fn with_passphrase(&self, arguments: &[&str]) -> Finished {
        let passphrase = self.path("passphrase");
        self.kiosk.run(&[&["gallery"], arguments, &["--passphrase-file", &passphrase]].concat())
    }

    fn file(&self) -> PathBuf {
        self.kiosk.gallery().join(GALLERY_FILE)
    }
}

#[track_caller]
fn says(end: &Finished, words: &str) {
    assert!(end.err.contains(words) && end.err.lines().count() == 1, "no {words:?}: {end:?}");
}

#[test]
fn a_backup_comes_back_into_another_gallery() {
    let world = World::new();
    let (backup, other) = (world.path("backup"), world.path("other"));
    let made = world.with_passphrase(&["export", &backup, "--json"]).expect(0).json();
    assert_eq!(made[0]["people"], 1);
    assert_eq!(Path::new(&backup).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    says(&world.with_passphrase(&["export", &backup]).expect(2), "--replace");
    world.with_passphrase(&["export", &backup, "--replace"]).expect(0);

    let done = world.with_passphrase(&["import", &backup, "--gallery", &other, "--json"]).expect(0).json();
    assert_eq!(done[0]["added"].as_array().unwrap().len(), 1);
    world.kiosk.run(&["identify", &fixture("president-2.jpg"), "--gallery", &other]).expect(0);
    let listed = world.kiosk.run(&["list", "--json", "--gallery", &other]).expect(0).json();
    assert_eq!(listed[0][0]["group"], "staff");
}

#[test]
fn nobody_who_was_removed_comes_back_unnoticed() {
    let world = World::new();
    let backup = world.path("backup");
    world.with_passphrase(&["export", &backup]).expect(0);
    world.kiosk.run(&["remove", "Ada"]).expect(0);
    let done = world.with_passphrase(&["import", &backup]).expect(3);
    assert!(done.out.contains("left out; --readmit"), "{done:?}");
    world.kiosk.run(&["identify", &fixture("president-2.jpg")]).expect(3);
    world.with_passphrase(&["import", &backup, "--readmit"]).expect(0);
    world.kiosk.run(&["identify", &fixture("president-2.jpg")]).expect(0);
}

#[test]
fn wrong_backups_and_passphrases_change_nothing() {
    let world = World::new();
    let backup = world.path("backup");
    world.with_passphrase(&["export", &backup]).expect(0);
    let whole = fs::read(&backup).unwrap();
    let passphrase = |text: &str| fs::write(world.path("passphrase"), text).unwrap();
    passphrase("short");
    says(&world.with_passphrase(&["import", &backup]).expect(2), "12 characters");
    passphrase("wrong horse battery staple");
    says(&world.with_passphrase(&["import", &backup]).expect(5), "not the backup's passphrase");
    passphrase("correct horse battery staple");
    let mut altered = whole.clone();
    altered[200] ^= 1;
    let mut newer = whole.clone();
    newer[8] = 9;
    for (bytes, words) in [
        (&whole[..whole.len() - 1], "damaged"),
        (&altered[..], "damaged"),
        (&newer, "version 9"),
        (b"", "backup"),
        (b"this is a text file that is no backup, whatever its name may say", "not a backup"),
    ] {
        fs::write(&backup, bytes).unwrap();
        says(&world.with_passphrase(&["import", &backup]).expect(5), words);
    }
    says(&world.with_passphrase(&["import", "no-such-file"]).expect(5), "no-such-file");
    says(&world.with_passphrase(&["export", "/no/such/folder/backup"]).expect(1), "/no/such/folder");
    says(&world.kiosk.run(&["gallery", "export", "x"]).expect(2), "--passphrase-file");
    assert_eq!(world.kiosk.run(&["list", "--json"]).expect(0).json()[0].as_array().unwrap().len(), 1);
}

#[test]
fn upkeep() {
    let world = World::new();
    for _ in 0..3 {
        world.kiosk.run(&["disable", "Ada"]).expect(0);
    }
    let checked = world.kiosk.run(&["gallery", "check", "--json"]).expect(0).json();
    assert_eq!((&checked[0]["sound"], &checked[0]["people"]), (&true.into(), &1.into()));
    // The enrolment and three changes.
    assert_eq!(checked[0]["journal_used"], 4);
    let compacted = world.kiosk.run(&["gallery", "compact", "--json"]).expect(0).json();
    assert_eq!(compacted[0]["free"].as_u64(), compacted[0]["free_before"].as_u64().map(|free| free + 4));
    world.kiosk.run(&["gallery", "migrate"]).expect(0);
    says(&world.kiosk.run(&["gallery", "check", "--gallery", "/no/such"]).expect(5), "/no/such");
}

/// Templates of another network cannot be converted: the people are listed.
#[test]
fn another_model_needs_everybody_again() {
    let world = World::new();
    let dir = world.folder.path().join("old");
    let (key, _) = GalleryKey::load_or_create(&GalleryKey::path_for(&dir, None)).unwrap();
    let space = TemplateSpace::new("another-network").unwrap();
    let mut gallery = FileGallery::open(&dir, &space, 2, Access::Write, &key).unwrap();
    let template = Template::normalise(&[1.0, 0.0]).unwrap();
    let template = EnrolTemplate { template, quality: 1.0, taken: SystemTime::now() };
    gallery.enrol(&"Bea".parse().unwrap(), &[template]).unwrap();
    let old = dir.to_str().unwrap();
    let list = world.kiosk.run(&["gallery", "migrate", "--json", "--gallery", old]).expect(3).json();
    assert_eq!((&list[0]["reenrol"], &list[0]["people"][0]["name"]), (&true.into(), &"Bea".into()));
    says(
        &world.kiosk.run(&["identify", &fixture("president-2.jpg"), "--gallery", old]).expect(5),
        "another-network",
    );
    world.kiosk.run(&["rename", "Bea", "Eve", "--gallery", old]).expect(5);
}

/// Any bytes in the gallery's place: one line, nothing written over.
#[test]
fn damaged_galleries() {
    let world = World::new();
    let whole = fs::read(world.file()).unwrap();
    let mut altered = whole.clone();
    altered[20] ^= 1;
    let mut newer = whole.clone();
    newer[8] = 77;
    for (bytes, words) in [
        (&b""[..], "is empty"),
        (b"text", "not a gallery"),
        (&altered[..], "damaged"),
        (&newer, "version 77"),
        (&whole[..5000], "damaged"),
    ] {
        fs::write(world.file(), bytes).unwrap();
        for command in [&["list"][..], &["gallery", "check"], &["remove", "Ada"]] {
            says(&world.kiosk.run(command).expect(5), words);
        }
        assert_eq!(fs::read(world.file()).unwrap(), bytes, "nothing is overwritten");
    }
    fs::rename(world.file(), world.path("elsewhere")).unwrap();
    symlink(world.path("elsewhere"), world.file()).unwrap();
    says(&world.kiosk.run(&["list"]).expect(5), "symbolic link");
    fs::remove_file(world.file()).unwrap();
    fs::write(world.file(), &whole).unwrap();

    let key = GalleryKey::path_for(world.kiosk.gallery(), None);
    let right = fs::read(&key).unwrap();
    fs::write(&key, &right[..31]).unwrap();
    says(&world.kiosk.run(&["list"]).expect(5), "31 bytes");
    fs::write(&key, [7; 32]).unwrap();
    says(&world.kiosk.run(&["list"]).expect(5), "another gallery key");
    fs::remove_file(&key).unwrap();
    says(
        &world.kiosk.run(&["enrol", "Bob", "--photo", &fixture("astronaut-1.jpg")]).expect(5),
        "gallery.key",
    );
    assert!(!key.exists(), "no key is made beside a gallery");
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    world.kiosk.run(&["gallery", "check"]).expect(0);
}

/// Commands that only read leave nothing behind, neither key nor folder.
#[test]
fn commands_that_only_read_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    kiosk.run(&["list"]).expect(0);
    kiosk.run(&["identify", &fixture("president-1.jpg")]).expect(3);
    kiosk.run(&["verify", &fixture("president-1.jpg"), &fixture("president-2.jpg")]).expect(0);
    kiosk.run(&["detect", &fixture("president-1.jpg")]).expect(0);
    kiosk.run(&["status"]).expect(3);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The key's own file, as on another device.
#[test]
fn the_key_may_be_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let kiosk = Kiosk::within(folder.path());
    let (config, key) = (folder.path().join("kiosk.toml"), folder.path().join("usb/door.key"));
    fs::write(&config, format!("[gallery]\nkey_file = {:?}\n", key.display().to_string())).unwrap();
    let config = config.to_str().unwrap();
    let made =
        kiosk.run(&["enrol", "Ada", "--photo", &fixture("president-1.jpg"), "--config", config]).expect(0);
    assert!(made.err.contains("door.key"), "{made:?}");
    assert!(key.exists() && !GalleryKey::path_for(kiosk.gallery(), None).exists());
    kiosk.run(&["list", "--config", config]).expect(0);
    kiosk.run(&["list"]).expect(5);
}
