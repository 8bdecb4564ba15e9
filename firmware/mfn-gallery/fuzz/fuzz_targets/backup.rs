//! Backup files of any bytes, and importing what can be read. The first byte chooses between a whole
//! file and texts of records (each with its length in 2 bytes), which get a sound header and seals.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfn_gallery::{Access, Backup, BackupError, GALLERY_FILE, Gallery, KEYS_FILE, Passphrase, Removed};
use mfn_gallery_fuzz::{Memory, backup_header, base, open};
use std::sync::LazyLock;

static SOUND: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let disk = base();
    (disk.bytes(GALLERY_FILE), disk.bytes(KEYS_FILE))
});

/// A file with these records.
fn wrap(mut input: &[u8]) -> Vec<u8> {
    let mut file = backup_header();
    while let [low, high, rest @ ..] = input {
        let len = usize::from(u16::from_le_bytes([*low, *high]) % 4200).min(rest.len());
        file.extend((len as u32).to_le_bytes());
        file.extend([0; 24]);
        file.extend(&rest[..len]);
        file.extend([0; 16]);
        input = &rest[len..];
    }
    file
}

fuzz_target!(|input: &[u8]| {
    let Some((&mode, input)) = input.split_first() else { return };
    let file = if mode % 2 == 0 { input.to_vec() } else { wrap(input) };
    let passphrase = Passphrase::new("correct horse battery".to_owned()).unwrap();
    let backup = match Backup::read(file.as_slice(), &passphrase) {
        Ok(backup) => backup,
        Err(BackupError::Damaged(_) | BackupError::NotABackup | BackupError::WrongPassphrase) => return,
        Err(BackupError::UnknownVersion(_) | BackupError::Cost(_)) => return,
        Err(e) => panic!("{e}"),
    };
    let (gallery, keys) = SOUND.clone();
    for disk in [Memory::with(&[(GALLERY_FILE, gallery), (KEYS_FILE, keys)]), Memory::default()] {
        let mut gallery = open(&disk, Access::Write).unwrap();
        let before = gallery.people().len();
        for removed in [Removed::LeaveOut, Removed::Readmit] {
            let Ok(done) = gallery.import(&backup, removed) else { continue };
            assert!(gallery.people().len() <= before + 2 * done.added.len() + backup.people());
        }
        let people = gallery.people().to_vec();
        drop(gallery);
        assert_eq!(open(&disk, Access::Write).unwrap().people(), people);
    }
});
