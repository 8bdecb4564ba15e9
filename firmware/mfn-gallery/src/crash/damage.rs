//! Damage: each kind told apart, nothing written, matching with what is intact.

use super::harness::{key, open};
use super::model::{DIMENSION, Operation, ask, contents};
use super::sim::{Betrayal, Image, SimDisk};
use crate::header::{Header, PAGE};
use crate::{Access, Check, Finding, GALLERY_FILE, Gallery, GalleryError, KEYS_FILE, Problem};
use mfn_template::PersonId;
use proptest::prelude::*;

/// Three people in three slots.
pub fn three() -> SimDisk {
    let disk = SimDisk::new(Image::default(), Betrayal::None);
    let mut gallery = open(&disk, Access::Write).unwrap();
    for n in 1..4 {
        ask(&mut gallery, &Operation::Enrol(n, vec![n])).unwrap();
    }
    disk
}

pub fn file<'a>(image: &'a mut Image, name: &str) -> &'a mut Vec<u8> {
    let inode = image.names[name];
    &mut image.files[inode]
}

/// The bytes of a slot.
pub fn slot(gallery: &mut [u8], place: usize) -> &mut [u8] {
    let header = Header::parse(&gallery[..PAGE], gallery.len() as u64).unwrap();
    let at = header.journal_at().unwrap() as usize + place * PAGE;
    &mut gallery[at..at + PAGE]
}

pub fn alter(disk: &SimDisk, change: impl FnOnce(&mut Vec<u8>)) {
    disk.alter(|image| change(file(image, GALLERY_FILE)));
}

pub fn bytes(disk: &SimDisk, name: &str) -> Vec<u8> {
    file(&mut disk.image(), name).clone()
}

/// Opens for writing: these findings, these people, and no change is taken or made.
pub fn damaged(disk: &SimDisk, findings: &[Finding], people: &[u64]) {
    let (before, image) = (disk.events(), disk.image());
    let mut gallery = open(disk, Access::Write).unwrap();
    assert_eq!(gallery.findings(), findings);
    assert_eq!(contents(&gallery).into_keys().collect::<Vec<_>>(), people);
    let refused = ask(&mut gallery, &Operation::Enrol(5, vec![5])).unwrap_err();
    assert!(matches!(refused, GalleryError::Damaged { .. }), "{refused}");
    assert!(matches!(gallery.compact(), Err(GalleryError::Damaged { .. })));
    assert_eq!(disk.events(), before, "something was written");
    assert_eq!(disk.image().files, image.files);
}

pub fn problem(disk: &SimDisk) -> Problem {
    match open(disk, Access::Write) {
        Err(GalleryError::Unusable { problem, .. }) => problem,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_torn_tail_is_dropped_and_said() {
    let disk = three();
    alter(&disk, |gallery| slot(gallery, 2)[300] ^= 1);
    let mut gallery = open(&disk, Access::Write).unwrap();
    assert_eq!(gallery.findings(), [Finding::TornTail { first: 2, last: 2 }]);
    assert_eq!(contents(&gallery).len(), 2);
    ask(&mut gallery, &Operation::Enrol(5, vec![5])).unwrap();
    assert_eq!(contents(&open(&disk, Access::Read).unwrap()).len(), 3);
}

#[test]
fn damage_before_sound_slots_is_loud() {
    let disk = three();
    alter(&disk, |gallery| slot(gallery, 1)[300] ^= 1);
    damaged(&disk, &[Finding::BadSlot { place: 1 }], &[1, 3]);
    alter(&disk, |gallery| slot(gallery, 1).fill(0));
    damaged(&disk, &[Finding::BadSlot { place: 1 }], &[1, 3]);
}

#[test]
fn a_damaged_chunk_costs_one_person() {
    let disk = three();
    open(&disk, Access::Write).unwrap().compact().unwrap();
    alter(&disk, |gallery| {
        let header = Header::parse(&gallery[..PAGE], gallery.len() as u64).unwrap();
        gallery[header.chunks_at().unwrap() as usize + 30] ^= 1;
    });
    damaged(&disk, &[Finding::DamagedPerson { person: PersonId(1) }], &[2, 3]);
}

#[test]
fn a_lost_page_of_keys_is_damage_and_one_lost_copy_is_mended() {
    let disk = three();
    disk.alter(|image| file(image, KEYS_FILE)[PAGE + 9] ^= 1);
    assert_eq!(open(&disk, Access::Write).unwrap().findings(), []);
    disk.alter(|image| file(image, KEYS_FILE)[2 * PAGE + 9] ^= 1);
    assert_eq!(open(&disk, Access::Write).unwrap().findings(), [], "the first copy was mended");
    disk.alter(|image| file(image, KEYS_FILE)[PAGE..].fill(1));
    let lost = [1, 2, 3].map(|n| Finding::DamagedPerson { person: PersonId(n) });
    damaged(&disk, &lost, &[]);
}

/// Found by the fuzzer: whoever has the key can seal an id after which there is none.
#[test]
fn ids_that_have_run_out_are_an_error() {
    let mut state = crate::snapshot::Snapshot::empty(DIMENSION);
    state.next_id = u64::MAX - 1;
    let new = |count| vec![super::model::enrolment(1); count];
    assert!(state.check_enrolment(&new(0)).is_ok());
    assert!(matches!(state.check_enrolment(&new(1)), Err(GalleryError::Full)));
}

/// The file before the last compaction answers when the present one is lost; the removed stay removed.
#[test]
fn the_last_good_state_is_kept_beside_it() {
    let disk = three();
    let mut gallery = open(&disk, Access::Write).unwrap();
    ask(&mut gallery, &Operation::Rename(1, 9)).unwrap();
    gallery.compact().unwrap();
    ask(&mut gallery, &Operation::Enrol(4, vec![4])).unwrap();
    ask(&mut gallery, &Operation::Remove(2)).unwrap();
    let mut reader = open(&disk, Access::Read).unwrap();
    drop(gallery);
    for loss in [0, 4200] {
        alter(&disk, |gallery| gallery[loss] ^= 1);
        let before = disk.events();
        let mut gallery = open(&disk, Access::Write).unwrap();
        let [Finding::OldCopy { generation: 4, .. }, Finding::Erased { person: PersonId(2) }] =
            gallery.findings()
        else {
            panic!("{:?}", gallery.findings())
        };
        assert_eq!(contents(&gallery).into_keys().collect::<Vec<_>>(), [1, 3]);
        let refused = ask(&mut gallery, &Operation::Enrol(5, vec![5])).unwrap_err();
        assert!(
            matches!(refused, GalleryError::Damaged { .. })
                && refused.to_string().contains("gallery.mfn.old")
        );
        assert!(!gallery.wants_compaction() && gallery.compact_some().is_err());
        assert_eq!(disk.events(), before);
        let check = Check::on(Box::new(disk.clone()), &key()).unwrap().unwrap();
        assert!(!check.is_sound() && check.people == 2);
        // Who has the newer state in memory keeps it.
        let _ = reader.reload();
        assert_eq!(contents(&reader).into_keys().collect::<Vec<_>>(), [1, 3, 4]);
        alter(&disk, |gallery| gallery[loss] ^= 1);
    }
    disk.alter(|image| {
        image.names.remove(GALLERY_FILE);
    });
    assert_eq!(open(&disk, Access::Read).unwrap().people().len(), 2);
}

/// No piece is large, whatever comes between them; the journal then holds what came.
#[test]
fn a_compaction_in_pieces_is_bounded_and_takes_changes_on_the_way() {
    let disk = three();
    let mut gallery = open(&disk, Access::Write).unwrap();
    ask(&mut gallery, &Operation::Rename(1, 9)).unwrap();
    assert!(!gallery.wants_compaction());
    ask(&mut gallery, &Operation::Rename(1, 8)).unwrap();
    assert!(gallery.wants_compaction());
    let mut pieces = 0;
    loop {
        let before = disk.events();
        let more = gallery.compact_some().unwrap();
        assert!(disk.written(before) <= 2 * 8192, "a piece of {} bytes", disk.written(before));
        pieces += 1;
        if pieces == 2 {
            ask(&mut gallery, &Operation::Add(2, vec![7])).unwrap();
        }
        if !more {
            break;
        }
    }
    assert!(pieces > 4 && gallery.free_slots() == super::harness::SLOTS - 1);
    let expected = contents(&gallery);
    drop(gallery);
    let gallery = open(&disk, Access::Write).unwrap();
    assert_eq!((gallery.findings(), contents(&gallery)), (&[][..], expected));
    assert_eq!(gallery.generation(), 6);
}

#[test]
fn headers_that_lie_are_refused_with_a_reason() {
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let disk = three();
        alter(&disk, |gallery| {
            let mut page = gallery[..PAGE - 32].to_vec();
            change(&mut page);
            gallery[..PAGE].copy_from_slice(&crate::header::sealed_page(&page));
        });
        problem(&disk)
    };
    assert!(matches!(sealed(&|page| page[8] = 7), Problem::UnknownVersion(7)));
    assert!(matches!(sealed(&|page| page[0] = 7), Problem::NotAGallery));
    for at in [12, 15, 72, 79, 80, 87, 88, 91, 92, 96, 200] {
        let problem = sealed(&|page: &mut Vec<u8>| page[at] ^= 0x80);
        assert!(
            matches!(
                problem,
                Problem::Damaged(_) | Problem::WrongSpace { .. } | Problem::WrongDimension { .. }
            ),
            "{at}: {problem}"
        );
    }
    assert!(matches!(sealed(&|page| page[70] ^= 1), Problem::Damaged(_)), "the index seals the generation");
    assert!(matches!(sealed(&|page| page[50] ^= 1), Problem::WrongKey));
}

#[test]
fn every_truncation_is_refused() {
    let whole = bytes(&three(), GALLERY_FILE);
    for len in (0..whole.len()).step_by(97).chain([1, 11, 12, PAGE, whole.len() - 1]) {
        let disk = three();
        alter(&disk, |gallery| gallery.truncate(len));
        assert!(!matches!(problem(&disk), Problem::Io(_)), "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(target_arch = "aarch64") { 20 } else { 400 }, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes of either file: an error, or a gallery that can be searched; with the right
    /// key nothing that was altered is ever believed.
    #[test]
    fn altered_bytes_do_no_harm(
        changes in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1u8..), 1..6),
        cut in proptest::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let disk = three();
        disk.alter(|image| {
            for (keys, at, value) in &changes {
                let file = file(image, if *keys { KEYS_FILE } else { GALLERY_FILE });
                let at = at.index(file.len());
                file[at] ^= value;
            }
            if let Some(cut) = cut {
                let file = file(image, KEYS_FILE);
                let len = cut.index(file.len());
                file.truncate(len);
            }
        });
        let sound = contents(&open(&three(), Access::Read).unwrap());
        if let Ok(gallery) = open(&disk, Access::Write) {
            let found = contents(&gallery);
            prop_assert!(found.iter().all(|(id, person)| sound.get(id) == Some(person)));
        }
    }

    #[test]
    fn any_bytes_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..9000), magic in any::<bool>()) {
        if magic && bytes.len() > 12 {
            bytes[..12].copy_from_slice(b"MFNGAL\r\n\x02\0\0\0");
        }
        let disk = three();
        alter(&disk, |gallery| *gallery = bytes.clone());
        prop_assert!(open(&disk, Access::Read).is_err());
        let disk = three();
        disk.alter(|image| *file(image, KEYS_FILE) = bytes);
        prop_assert!(open(&disk, Access::Read).is_err());
    }
}
