//! The gallery key: where it is, how it is made, and which files are refused.

use mfn_gallery::{GalleryKey, KeyError};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

#[test]
fn the_key_is_made_once_with_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let path = GalleryKey::path_for(&dir.path().join("state/gallery/"), None);
    assert_eq!(path, dir.path().join("state/gallery.key"));
    let (_, made) = GalleryKey::load_or_create(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert!(made && bytes.len() == 32 && bytes != [0; 32]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!GalleryKey::load_or_create(&path).unwrap().1);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_key_of_another_length_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    GalleryKey::load_or_create(&path).unwrap();
    for len in [0, 31, 33, 4096] {
        fs::write(&path, vec![1; len]).unwrap();
        assert!(matches!(GalleryKey::load_or_create(&path), Err(KeyError::Length { .. })), "{len}");
        assert_eq!(fs::metadata(&path).unwrap().len(), len as u64);
    }
}

#[test]
fn a_key_that_others_can_read_and_a_link_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    GalleryKey::load_or_create(&path).unwrap();
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(GalleryKey::load_or_create(&link), Err(KeyError::Io { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(GalleryKey::load_or_create(&path), Err(KeyError::Open { mode: 0o644, .. })));
}

#[test]
fn a_credential_goes_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let missing = GalleryKey::path_for(Path::new("/g"), Some(dir.path()));
    assert_eq!(missing, Path::new("/g.key"));
    fs::write(dir.path().join(mfn_gallery::CREDENTIAL), [1; 32]).unwrap();
    let credential = GalleryKey::path_for(Path::new("/g"), Some(dir.path()));
    assert_eq!(credential, dir.path().join("mfn-gallery-key"));
}
