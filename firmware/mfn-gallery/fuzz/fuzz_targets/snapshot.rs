//! `gallery.mfn` and `gallery.keys` of any bytes: the first byte chooses between whole files and patches
//! of a sound gallery.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfn_gallery::{GALLERY_FILE, KEYS_FILE};
use mfn_gallery_fuzz::{Memory, base, exercise};
use std::sync::LazyLock;

static SOUND: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let disk = base();
    (disk.bytes(GALLERY_FILE), disk.bytes(KEYS_FILE))
});

/// Pieces of offset (2 bytes), length (1) and bytes, put over a file.
fn patch(file: &mut [u8], mut input: &[u8]) {
    while let [low, high, len, rest @ ..] = input {
        let at = usize::from(u16::from_le_bytes([*low, *high])) % file.len();
        let len = usize::from(*len).min(rest.len()).min(file.len() - at);
        file[at..at + len].copy_from_slice(&rest[..len]);
        input = &rest[len..];
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&mode, input)) = input.split_first() else { return };
    let (mut gallery, mut keys) = SOUND.clone();
    match mode % 4 {
        0 => gallery = input.to_vec(),
        1 => keys = input.to_vec(),
        2 => patch(&mut gallery, input),
        _ => patch(&mut keys, input),
    }
    exercise(&Memory::with(&[(GALLERY_FILE, gallery), (KEYS_FILE, keys)]));
});
