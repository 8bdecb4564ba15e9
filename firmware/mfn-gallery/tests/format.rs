//! The bytes: a file that a script made from FORMAT.md alone, and files of any bytes.

mod common;

use common::*;
use mfn_gallery::{Access, FileGallery, Gallery, GalleryError, Person, Problem, SNAPSHOT_FILE};
use mfn_template::PersonId;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::fs;

/// Few under an emulator.
const CASES: u32 = if cfg!(target_arch = "aarch64") { 20 } else { 600 };
/// Made by make_v1.py beside it.
const V1: &[u8] = include_bytes!("data/v1.mfn");
const HEADER: usize = 128;

/// Opens a folder whose snapshot is these bytes.
fn read(bytes: &[u8]) -> Result<FileGallery, Problem> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(SNAPSHOT_FILE), bytes).unwrap();
    open(dir.path(), Access::Read).map_err(|e| match e {
        GalleryError::Unusable { problem, .. } => problem,
        other => panic!("not about the file: {other}"),
    })
}

fn refused(bytes: &[u8]) -> Problem {
    read(bytes).err().expect("must be refused")
}

/// The bytes with a checksum that fits them.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let body = &bytes[..bytes.len() - 32];
    [body, Sha256::digest(body).as_slice()].concat()
}

fn with(at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = V1.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    sealed(&bytes)
}

#[test]
fn the_documented_file_is_read() {
    let gallery = read(V1).unwrap();
    let notes = |p: &Person| p.templates.iter().map(|t| (t.taken_unix, t.quality)).collect::<Vec<_>>();
    let people: Vec<_> = gallery.people().iter().map(|p| (p.id.0, p.name.as_str(), notes(p))).collect();
    let wanted = [
        (1, "Ann", vec![(1_700_000_000, 0.5), (1_700_000_001, 0.75)]),
        (3, "José Núñez", vec![(0, 1.0)]),
        (5, "李小龍", vec![(4_102_444_800, 0.0)]),
    ];
    assert_eq!(people, wanted);
    assert_eq!(gallery.generation(), 8);
    let found = gallery.search(&template([0.6, 0.8, 0.0, 0.0]), 5).0;
    let found: Vec<_> = found.iter().map(|c| (c.person.0, (c.similarity * 100.0).round())).collect();
    assert_eq!(found, [(1, 100.0), (5, 70.0), (3, 0.0)]);
}

/// The same content, made through the program: the same bytes but for the generation (8 changes).
#[test]
fn the_documented_file_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut gallery = open(dir.path(), Access::Write).unwrap();
    let new =
        |values, time, quality| mfn_gallery::EnrolTemplate { taken: at(time), quality, ..reference(values) };
    gallery.enrol(&name("Ann"), &[new([2.0, 0.0, 0.0, 0.0], 1_700_000_000, 0.5)]).unwrap();
    let second = gallery.enrol(&name("second"), &[reference([1.0; 4])]).unwrap();
    gallery.enrol(&name("third"), &[new([0.0, 0.0, -3.0, 0.0], 0, 1.0)]).unwrap();
    let fourth = gallery.enrol(&name("fourth"), &[reference([1.0; 4])]).unwrap();
    gallery.enrol(&name("李小龍"), &[new([1.0, 1.0, -1.0, 1.0], 4_102_444_800, 0.0)]).unwrap();
    gallery.add_templates(PersonId(1), &[new([3.0, 4.0, 0.0, 0.0], 1_700_000_001, 0.75)]).unwrap();
    gallery.rename(PersonId(3), &name("José Núñez")).unwrap();
    gallery.remove(second).unwrap();
    gallery.remove(fourth).unwrap();
    let mut written = fs::read(dir.path().join(SNAPSHOT_FILE)).unwrap();
    assert_eq!(written[16..24], 9u64.to_le_bytes());
    written[16] = 8;
    assert!(sealed(&written) == V1, "the bytes differ from the document's");
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    for len in 0..V1.len() {
        let problem = refused(&V1[..len]);
        assert!(!matches!(problem, Problem::Io(_)), "{len}: {problem}");
    }
    assert!(matches!(refused(&[V1, &[0]].concat()), Problem::Damaged(_)));
    for at in 0..V1.len() {
        let mut bytes = V1.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let problem = refused(&bytes);
        assert!(!matches!(problem, Problem::Io(_)), "{at}: {problem}");
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    assert!(matches!(refused(b"PNG and so on"), Problem::NotAGallery));
    assert!(matches!(refused(&with(8, &7u32.to_le_bytes())), Problem::UnknownVersion(7)));
    let version = refused(&with(8, &7u32.to_le_bytes())).to_string();
    assert!(version.contains("format version 7") && version.contains("reads version 1"), "{version}");
    assert!(matches!(refused(&with(48, b"TEST")), Problem::Damaged(_)), "a space that cannot be");
    assert!(matches!(refused(&with(48, b"best")), Problem::WrongSpace { .. }));
    let notes = HEADER + 4 * 4 * 4;
    let people = notes + 4 * 16;
    let damage = [
        (12, u32::MAX.to_le_bytes(), "dimension"),
        (32, u32::MAX.to_le_bytes(), "the header says"),
        (40, u32::MAX.to_le_bytes(), "the header says"),
        (36, 2u32.to_le_bytes(), "counts"),
        (44, 65u32.to_le_bytes(), "template space"),
        (112, 1u32.to_le_bytes(), "template space"),
        (24, 5u32.to_le_bytes(), "#5 contradicts"),
        (HEADER, f32::NAN.to_le_bytes(), "template 0 is not of length 1"),
        (HEADER + 32, 0.5f32.to_le_bytes(), "template 2 is not of length 1"),
        (notes + 8, f32::NAN.to_le_bytes(), "template record"),
        (notes + 8, 2.0f32.to_le_bytes(), "template record"),
        (notes + 12, 1u32.to_le_bytes(), "template record"),
        (people, 3u32.to_le_bytes(), "#3 contradicts"),
        (people + 8, 0u32.to_le_bytes(), "#1 contradicts"),
        (people + 8, u32::MAX.to_le_bytes(), "too few templates"),
        (people + 12, [255, 255, b'A', b'n'], "person record"),
        (people + 13, [0, b'A', b'/', b'n'], "name"),
    ];
    for (at, new, words) in damage {
        let problem = refused(&with(at, &new));
        assert!(matches!(&problem, Problem::Damaged(what) if what.contains(words)), "{at}: {problem}");
    }
}

/// What any gallery that was let in must hold.
fn check(gallery: &FileGallery) -> Result<(), TestCaseError> {
    let people = gallery.people();
    prop_assert!(people.is_sorted_by(|a, b| a.id < b.id));
    prop_assert!(people.iter().all(|p| !p.templates.is_empty()));
    let found = gallery.search(&template([1.0, -2.0, 0.5, 0.0]), 10).0;
    prop_assert_eq!(found.len(), people.len().min(10));
    prop_assert!(found.iter().all(|c| (-1.01..=1.0).contains(&c.similarity)));
    Ok(())
}

fn mutations() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((0..V1.len(), any::<u8>()), 1..6)
}

/// Whatever the bytes, and although somebody made the checksum fit: an error or a sound gallery.
#[test]
fn mutated_and_resealed_files_do_no_harm() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(changes in mutations(), cut in proptest::option::weighted(0.2, 32..V1.len()))| {
        let mut bytes = V1.to_vec();
        changes.iter().for_each(|&(at, value)| bytes[at] = value);
        bytes.truncate(cut.unwrap_or(V1.len()));
        match read(&sealed(&bytes)) {
            Ok(gallery) => check(&gallery)?,
            Err(problem) => prop_assert!(!matches!(problem, Problem::Io(_)), "{}", problem),
        }
    });
}

#[test]
fn any_bytes_are_refused() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), magic in any::<bool>())| {
        if magic && bytes.len() > 12 {
            bytes[..12].copy_from_slice(&V1[..12]);
        }
        prop_assert!(read(&bytes).is_err());
    });
}
