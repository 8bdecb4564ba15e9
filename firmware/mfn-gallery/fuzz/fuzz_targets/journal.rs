//! Slots of any content in a sound gallery: the input is what is under the seal of one slot after the
//! other, each with its length (2 bytes) before it; length 65,535 stands for 40 bytes before the seal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mfn_gallery::{GALLERY_FILE, KEYS_FILE};
use mfn_gallery_fuzz::{Memory, SLOTS, base, exercise};
use std::sync::LazyLock;

const PAGE: usize = 4096;
/// Where the text begins in a slot: after its open part and the nonce.
const TEXT: usize = 64;

static SOUND: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let disk = base();
    (disk.bytes(GALLERY_FILE), disk.bytes(KEYS_FILE))
});

fn slot(file: &mut [u8], place: usize, text: &[u8]) {
    let ids = file[16..48].to_vec();
    let at = file.len() - (SLOTS as usize - place) * PAGE;
    let slot = &mut file[at..at + PAGE];
    slot.fill(0);
    slot[..32].copy_from_slice(&ids);
    slot[32] = place as u8;
    let len = text.len().min(PAGE - TEXT - 16);
    slot[TEXT..TEXT + len].copy_from_slice(&text[..len]);
}

fuzz_target!(|input: &[u8]| {
    let (mut gallery, keys) = SOUND.clone();
    let (mut place, mut input) = (0, input);
    while let [low, high, rest @ ..] = input
        && place < SLOTS as usize
    {
        let len = u16::from_le_bytes([*low, *high]);
        if len == u16::MAX && rest.len() >= 40 {
            let at = gallery.len() - (SLOTS as usize - place) * PAGE;
            gallery[at..at + 40].copy_from_slice(&rest[..40]);
            input = &rest[40..];
        } else {
            let len = usize::from(len % 4032).min(rest.len());
            slot(&mut gallery, place, &rest[..len]);
            input = &rest[len..];
        }
        place += 1;
    }
    exercise(&Memory::with(&[(GALLERY_FILE, gallery), (KEYS_FILE, keys)]));
});
