//! The folder: one writer, many readers, whole changes, and errors that say what remains.

mod common;

use common::*;
use mfn_gallery::{
    Access, FileGallery, GALLERY_FILE, Gallery, GalleryError, KEYS_FILE, LOCK_FILE, Metadata, Problem,
};
use mfn_template::{PersonId, TemplateSpace};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn problem(dir: &Path) -> Problem {
    match refusal(dir, Access::Read) {
        GalleryError::Unusable { problem, .. } => problem,
        other => panic!("not about the file: {other}"),
    }
}

/// A folder with Ann in it.
fn ann() -> (tempfile::TempDir, FileGallery) {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    gallery.enrol(&name("Ann"), &[reference([1.0, 2.0, 3.0, 4.0])]).unwrap();
    (dir, gallery)
}

#[test]
fn a_missing_folder_is_empty_to_readers_and_made_by_the_writer() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("deep/gallery");
    assert!(open(&dir, Access::Read).unwrap().people().is_empty());
    assert!(!dir.exists());
    let mut gallery = open(&dir, Access::Write).unwrap();
    gallery.enrol(&name("Ann"), &[reference([1.0, 0.0, 0.0, 0.0])]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&dir), mode(&dir.join(GALLERY_FILE)), mode(&dir.join(LOCK_FILE))),
        (0o700, 0o600, 0o600)
    );
}

#[test]
fn what_was_enrolled_is_there_after_reopening() {
    let (dir, gallery) = ann();
    let read = open(dir.path(), Access::Read).unwrap();
    assert_eq!(read.people(), gallery.people());
    assert_eq!((read.generation(), read.people().len()), (1, 1));
    let note = read.people()[0].templates[0];
    assert_eq!((note.taken(), note.quality), (at(1_700_000_000), 0.5));
}

#[test]
fn ids_are_never_given_again() {
    let (dir, mut gallery) = ann();
    let ben = gallery.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
    gallery.remove(ben).unwrap();
    drop(gallery);
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let again = gallery.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
    assert_eq!((ben, again), (PersonId(2), PersonId(3)));
}

#[test]
fn a_second_writer_is_refused_by_process_and_readers_go_on() {
    let (dir, gallery) = ann();
    let error = refusal(dir.path(), Access::Write);
    let pid = std::process::id().to_string();
    assert!(matches!(&error, GalleryError::Locked { pid: holder, .. } if *holder == pid), "{error}");
    assert_eq!(open(dir.path(), Access::Read).unwrap().people().len(), 1);
    drop(gallery);
    open(dir.path(), Access::Write).unwrap();
}

/// A child that was started while the gallery was open, and lives on, does not hold the lock.
#[test]
fn the_lock_ends_with_the_gallery_and_not_with_children() {
    let (dir, gallery) = ann();
    let mut child = Command::new("sleep").arg("20").spawn().unwrap();
    drop(gallery);
    let again = open(dir.path(), Access::Write);
    child.kill().unwrap();
    child.wait().unwrap();
    again.unwrap();
}

#[test]
fn refused_changes_change_nothing() {
    let (dir, mut gallery) = ann();
    let before = fs::read(dir.path().join(GALLERY_FILE)).unwrap();
    let taken = gallery.enrol_all(&[enrolment("Ben", &[[1.0; 4]]), enrolment("Ann", &[[1.0; 4]])]);
    assert!(matches!(taken, Err(GalleryError::NameTaken(PersonId(1)))));
    let twice = gallery.enrol_all(&[enrolment("Ben", &[[1.0; 4]]), enrolment("Ben", &[[1.0; 4]])]);
    assert!(matches!(twice, Err(GalleryError::NameTaken(PersonId(2)))));
    assert!(matches!(gallery.enrol(&name("Ben"), &[]), Err(GalleryError::NoTemplates)));
    assert!(matches!(gallery.remove(PersonId(9)), Err(GalleryError::NoSuchPerson(_))));
    assert!(matches!(gallery.rename(PersonId(9), &name("Ben")), Err(GalleryError::NoSuchPerson(_))));
    assert!(matches!(
        gallery.add_templates(PersonId(9), &[reference([1.0; 4])]),
        Err(GalleryError::NoSuchPerson(_))
    ));
    let mut long = reference([1.0; 4]);
    long.template = mfn_template::Template::normalise(&[1.0; 5]).unwrap();
    let wrong = gallery.enrol(&name("Ben"), &[long]);
    assert!(matches!(wrong, Err(GalleryError::TemplateDimension { found: 5, wanted: 4 })));
    let mut reader = open(dir.path(), Access::Read).unwrap();
    assert!(matches!(reader.remove(PersonId(1)), Err(GalleryError::ReadOnly)));
    assert_eq!((gallery.people().len(), reader.people().len(), gallery.generation()), (1, 1, 1));
    assert_eq!(fs::read(dir.path().join(GALLERY_FILE)).unwrap(), before);
    gallery.rename(PersonId(1), &name("Ann")).unwrap();
}

#[test]
fn a_compaction_that_cannot_be_written_did_not_happen() {
    let (dir, mut gallery) = ann();
    // A folder in the new file's place can be neither removed nor replaced, not even by root.
    fs::create_dir(dir.path().join("gallery.mfn.new")).unwrap();
    let error = gallery.compact().unwrap_err();
    assert!(matches!(error, GalleryError::NotSaved { .. }), "{error}");
    assert!(error.to_string().contains("did not happen"), "{error}");
    assert_eq!((gallery.people().len(), open(dir.path(), Access::Read).unwrap().people().len()), (1, 1));
    fs::remove_dir(dir.path().join("gallery.mfn.new")).unwrap();
    gallery.compact().unwrap();
    assert_eq!(gallery.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap(), PersonId(2));
}

#[test]
fn a_read_only_folder_still_answers_and_says_that_nothing_happened() {
    let (dir, mut gallery) = ann();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let outcome = gallery.compact();
    let root = fs::write(dir.path().join("probe"), "").is_ok();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    if root {
        println!("skipped: root may write to read-only folders");
        return;
    }
    assert!(matches!(outcome, Err(GalleryError::NotSaved { .. })));
    assert_eq!(gallery.search(&template([1.0, 2.0, 3.0, 4.0]), 1).0.len(), 1);
}

/// A disk that is full after the empty gallery: this test runs itself in a process with a limit on file sizes.
#[test]
fn a_full_disk_loses_nothing() {
    const DIR: &str = "MFN_TEST_FULL_DISK";
    if let Some(dir) = std::env::var_os(DIR) {
        let mut gallery = open(Path::new(&dir), Access::Write).unwrap();
        let many: Vec<_> = (0..1100).map(|i| enrolment(&format!("p{i}"), &[[1.0; 4]])).collect();
        let error = gallery.enrol_all(&many).unwrap_err();
        assert!(matches!(error, GalleryError::NotSaved { .. }), "{error}");
        assert_eq!(gallery.people().len(), 1);
        gallery.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
        return;
    }
    let (dir, gallery) = ann();
    drop(gallery);
    let limited = r#"trap "" XFSZ; ulimit -f 8216; exec "$0" --exact a_full_disk_loses_nothing"#;
    let mut child = Command::new("sh");
    child.args(["-c", limited]).arg(std::env::current_exe().unwrap()).env(DIR, dir.path());
    match child.output() {
        // Under an emulator the system may not know how to start the test again.
        _ if cfg!(target_arch = "aarch64") => println!("skipped: needs to start itself"),
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(e) => panic!("no shell: {e}"),
    }
    if !cfg!(target_arch = "aarch64") {
        let names: Vec<String> =
            open(dir.path(), Access::Read).unwrap().people().iter().map(|p| p.name.to_string()).collect();
        assert_eq!(names, ["Ann", "Ben"]);
    }
    assert!(!dir.path().join("gallery.mfn.new").exists());
}

#[test]
fn a_running_reader_takes_over_changes() {
    let (dir, mut writer) = ann();
    let mut reader = open(dir.path(), Access::Read).unwrap();
    assert!(!reader.reload().unwrap());
    let ben = writer.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap();
    assert!(reader.reload().unwrap());
    assert!(!reader.reload().unwrap());
    assert_eq!(reader.search(&template([0.0, 1.0, 0.0, 0.0]), 1).best().map(|c| c.person), Some(ben));
    assert!(!writer.reload().unwrap(), "the writer knows its own changes");
    let mut early = open(&dir.path().join("not-yet"), Access::Read).unwrap();
    assert!(!early.reload().unwrap());
    let mut late = open(&dir.path().join("not-yet"), Access::Write).unwrap();
    late.enrol(&name("Eve"), &[reference([1.0; 4])]).unwrap();
    assert!(early.reload().unwrap() && early.find("Eve").is_some());
}

#[test]
fn a_reader_keeps_what_it_has_when_the_new_file_is_bad_or_gone() {
    let (dir, mut writer) = ann();
    let path = dir.path().join(GALLERY_FILE);
    let mut reader = open(dir.path(), Access::Read).unwrap();
    fs::write(&path, "not a gallery at all").unwrap();
    let error = reader.reload().unwrap_err();
    assert!(matches!(error, GalleryError::Unusable { problem: Problem::NotAGallery, .. }), "{error}");
    assert!(!reader.reload().unwrap(), "complained about once");
    fs::remove_file(&path).unwrap();
    assert!(matches!(reader.reload(), Err(GalleryError::Gone { .. })));
    assert!(!reader.reload().unwrap());
    assert_eq!(reader.search(&template([1.0, 2.0, 3.0, 4.0]), 1).0.len(), 1);
    // The writer has everything in memory, and puts it back.
    writer.rename(PersonId(1), &name("Anna")).unwrap();
    assert!(reader.reload().unwrap() && reader.find("Anna").is_some());
}

#[test]
fn a_lost_folder_leaves_matching_as_it_is() {
    let (dir, mut writer) = ann();
    let mut reader = open(dir.path(), Access::Read).unwrap();
    fs::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(reader.reload(), Err(GalleryError::Gone { .. })));
    let refused = writer.enrol(&name("Ben"), &[reference([0.0, 1.0, 0.0, 0.0])]).unwrap_err();
    assert!(matches!(refused, GalleryError::NotSaved { .. }), "{refused}");
    for gallery in [&reader, &writer] {
        assert_eq!(gallery.search(&template([1.0, 2.0, 3.0, 4.0]), 5).0.len(), 1);
    }
}

#[test]
fn empty_files_and_links_in_place_of_the_key_table_are_refused() {
    let (dir, gallery) = ann();
    drop(gallery);
    let keys = dir.path().join(KEYS_FILE);
    for len in [0, 1, 4095, 4096] {
        let bytes = fs::read(&keys).unwrap();
        fs::write(&keys, &bytes[..len]).unwrap();
        match problem_or_findings(dir.path()) {
            Ok(findings) => assert!(len == 4096 && findings > 0, "{len}"),
            Err(text) => assert!(text.contains("key table"), "{len}: {text}"),
        }
        fs::write(&keys, bytes).unwrap();
    }
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(&keys, &elsewhere).unwrap();
    symlink(&elsewhere, &keys).unwrap();
    assert!(problem_or_findings(dir.path()).unwrap_err().contains("key table"));
}

/// How much is damaged, or why nothing can be read.
fn problem_or_findings(dir: &Path) -> Result<usize, String> {
    open(dir, Access::Read).map(|gallery| gallery.findings().len()).map_err(|e| e.to_string())
}

#[test]
fn links_pipes_folders_and_empty_files_are_refused() {
    let (other, gallery) = ann();
    drop(gallery);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(GALLERY_FILE);
    symlink(other.path().join(GALLERY_FILE), &path).unwrap();
    assert!(matches!(problem(dir.path()), Problem::SymbolicLink));
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(problem(dir.path()), Problem::NotAFile));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(problem(dir.path()), Problem::NotAFile));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(problem(dir.path()), Problem::Empty));
    let error = refusal(dir.path(), Access::Read).to_string();
    assert!(error.contains(path.to_str().unwrap()) && error.contains("is empty: restore"), "{error}");
}

#[test]
fn a_link_in_place_of_the_lock_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "keep me").unwrap();
    symlink(&victim, dir.path().join(LOCK_FILE)).unwrap();
    assert!(matches!(refusal(dir.path(), Access::Write), GalleryError::Folder { .. }));
    assert_eq!(fs::read(&victim).unwrap(), b"keep me");
}

#[test]
fn templates_of_another_network_are_refused_by_name() {
    let (dir, _gallery) = ann();
    let other = TemplateSpace::new("other-space").unwrap();
    let error =
        FileGallery::open(dir.path(), &other, DIMENSION, Access::Read, &key()).err().unwrap().to_string();
    assert!(error.contains("test-space") && error.contains("other-space"), "{error}");
    let error = FileGallery::open(dir.path(), &space(), 8, Access::Read, &key()).err().unwrap().to_string();
    assert!(error.contains("4 values") && error.contains("makes 8"), "{error}");
}

#[test]
fn a_file_that_somebody_else_put_there_is_not_overwritten() {
    let (dir, mut writer) = ann();
    let path = dir.path().join(GALLERY_FILE);
    fs::write(dir.path().join("backup"), "restored").unwrap();
    fs::rename(dir.path().join("backup"), &path).unwrap();
    let error = writer.rename(PersonId(1), &name("Anna")).unwrap_err().to_string();
    assert!(error.contains("did not happen") && error.contains("put in its place"), "{error}");
    assert!(writer.compact().is_err());
    assert_eq!(fs::read(&path).unwrap(), b"restored");
}

#[test]
fn people_past_their_erasure_date_are_removed() {
    let (dir, mut gallery) = ann();
    let metadata = Metadata { erase_after: Some(1_000), ..Metadata::default() };
    gallery.set_metadata(PersonId(1), &metadata).unwrap();
    assert_eq!(gallery.remove_expired(at(999)).unwrap(), []);
    assert_eq!(gallery.remove_expired(at(1_000)).unwrap(), [PersonId(1)]);
    assert!(open(dir.path(), Access::Read).unwrap().people().is_empty());
    assert_eq!(gallery.erased().len(), 1);
}
