//! What somebody with the gallery key can read from the raw device, free blocks included; and what
//! each operation writes to it.

use super::harness::{key, open};
use super::model::{DIMENSION, Operation, ask, template};
use super::sim::{Betrayal, Image, SimDisk};
use crate::Access;
use crate::header::{Header, PAGE};
use crate::keys::ENTRIES;
use crate::seal::{Id, OVERHEAD, Secret};
use std::collections::HashSet;

/// Every text that the raw image yields with the gallery key and all keys that can be found with it.
fn texts(image: &Image) -> Vec<Vec<u8>> {
    let pages: Vec<&[u8]> = image.files.iter().flat_map(|file| file.chunks(PAGE)).collect();
    let master = key().0;
    let headers: Vec<&[u8]> = pages.iter().copied().filter(|p| p.starts_with(b"MFNGAL\r\n")).collect();
    let galleries: HashSet<Id> = headers.iter().map(|p| p[16..32].try_into().unwrap()).collect();
    let people: Vec<Secret> = galleries.iter().flat_map(|id| person_keys(&pages, &master, id)).collect();
    let mut found = Vec::new();
    for page in &headers {
        let (gallery, snapshot): (Id, Id) =
            (page[16..32].try_into().unwrap(), page[32..48].try_into().unwrap());
        let journal = master.derive(&gallery, "journal", &snapshot);
        for slot in pages.iter().filter(|p| p.len() == PAGE && p[..32] == page[16..48]) {
            let Some(text) = journal.open(&slot[..40], &slot[40..]) else { continue };
            let associated = [b"slot".as_slice(), &snapshot, &slot[32..36]].concat();
            let len = usize::from(u16::from_le_bytes([text[40], text[41]])) + OVERHEAD;
            found.extend(people.iter().filter_map(|key| key.open(&associated, &text[48..48 + len])));
            found.push(text);
        }
    }
    found.extend(image.files.iter().flat_map(|file| chunk_texts(file, &people)));
    found
}

/// Whatever can be opened as a page of the key table, wherever it lies.
fn person_keys(pages: &[&[u8]], master: &Secret, gallery: &Id) -> Vec<Secret> {
    let table = master.derive(gallery, "key table", &[]);
    let pairs = (0u32..8).flat_map(|pair| {
        let associated = [b"keys".as_slice(), &pair.to_le_bytes()].concat();
        let texts: Vec<Vec<u8>> = pages.iter().filter_map(|page| table.open(&associated, page)).collect();
        texts
    });
    let keys = |text: Vec<u8>| -> Vec<Secret> {
        let entries = text[16..16 + ENTRIES * 48].chunks(48);
        entries.map(|entry| Secret(entry[16..].try_into().unwrap())).collect()
    };
    pairs.flat_map(keys).collect()
}

/// Chunks of a gallery file, named or not, under each key.
fn chunk_texts(file: &[u8], people: &[Secret]) -> Vec<Vec<u8>> {
    let header = file.get(..PAGE).and_then(|page| Header::parse(page, file.len() as u64).ok());
    let Some(header) = header else { return Vec::new() };
    let index_key = key().0.derive(&header.gallery, "snapshot", &header.snapshot);
    let end = header.chunks_at().unwrap() as usize;
    // Free blocks may hold a header whose index was overwritten.
    let Some(index) = index_key.open(&file[..PAGE], &file[PAGE..end]) else { return Vec::new() };
    let count = u32::from_le_bytes(index[8..12].try_into().unwrap()) as usize;
    let (mut at, mut found) = (end, vec![index.clone()]);
    for (i, line) in index[16..16 + 36 * count].chunks(36).enumerate() {
        let len = u32::from_le_bytes(line[32..].try_into().unwrap()) as usize + OVERHEAD;
        let associated = [b"chunk".as_slice(), &header.snapshot, &(i as u64).to_le_bytes()].concat();
        found.extend(people.iter().filter_map(|key| key.open(&associated, &file[at..at + len])));
        at += len;
    }
    found
}

fn contains(image: &Image, needle: &[u8]) -> bool {
    finds(image, &[needle.to_vec()])[0]
}

/// Whether each of these bytes can be read from an image.
pub fn finds(image: &Image, needles: &[Vec<u8>]) -> Vec<bool> {
    let texts = texts(image);
    let found = |needle: &Vec<u8>| {
        let inside = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle);
        image.files.iter().any(inside) || texts.iter().any(inside)
    };
    needles.iter().map(found).collect()
}

pub fn template_bytes(n: u8) -> Vec<u8> {
    let values = template(n);
    values.values()[..DIMENSION].iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The template, name and note of person 1, through journal, snapshot, old snapshots and journals.
#[test]
fn what_was_removed_cannot_be_read_even_with_the_key() {
    use Operation::*;
    let disk = SimDisk::new(Image::default(), Betrayal::None);
    let mut gallery = open(&disk, Access::Write).unwrap();
    for operation in [Enrol(1, vec![11]), Metadata(1, 3), Compact, Enrol(2, vec![22]), Add(1, vec![33])] {
        ask(&mut gallery, &operation).unwrap();
    }
    let secrets = [template_bytes(11), template_bytes(33), b"Name 1".to_vec(), b"note".to_vec()];
    for secret in &secrets {
        assert!(contains(&disk.image(), secret), "the attack must find what is there");
    }
    ask(&mut gallery, &Compact).unwrap();
    ask(&mut gallery, &Remove(1)).unwrap();
    for secret in &secrets {
        assert!(!contains(&disk.image(), secret));
    }
    assert!(contains(&disk.image(), b"Name 2") && contains(&disk.image(), &template_bytes(22)));
    ask(&mut gallery, &Compact).unwrap();
    assert!(secrets.iter().all(|secret| !contains(&disk.image(), secret)));
}

#[test]
fn nothing_personal_can_be_read_without_the_key() {
    let disk = SimDisk::new(Image::default(), Betrayal::None);
    let mut gallery = open(&disk, Access::Write).unwrap();
    ask(&mut gallery, &Operation::Enrol(1, vec![11])).unwrap();
    ask(&mut gallery, &Operation::Compact).unwrap();
    for secret in [template_bytes(11), b"Name 1".to_vec(), vec![7; 32]] {
        let raw = disk.image();
        assert!(raw.files.iter().all(|file| !file.windows(secret.len()).any(|w| w == secret)));
    }
}

/// One template is one slot; n are n; a removal is one slot and both copies of a page of keys.
#[test]
fn every_operation_writes_exactly_its_slots() {
    use Operation::*;
    let disk = SimDisk::new(Image::default(), Betrayal::None);
    let mut gallery = open(&disk, Access::Write).unwrap();
    let slots = [(Enrol(1, vec![1]), 1), (Add(1, vec![2]), 1), (Rename(1, 2), 1), (Enrol(3, vec![1, 2]), 2)];
    for (operation, slots) in slots {
        let before = disk.events();
        ask(&mut gallery, &operation).unwrap();
        assert_eq!(disk.written(before), slots * 4096, "{operation:?}");
    }
    let before = disk.events();
    ask(&mut gallery, &Remove(1)).unwrap();
    assert_eq!(disk.written(before), 3 * 4096);
    assert_eq!(gallery.free_slots(), 0);
}
