//! Full disks, read-only disks, broken devices and short writes, at every call of every operation.

use super::harness::{open, record};
use super::model::{Model, Operation, ask, contents, template};
use super::sim::{Betrayal, Fault, Image, Kind, SimDisk};
use crate::{Access, Gallery, GalleryError};

const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EIO: i32 = 5;

/// A gallery with two people, and what it holds.
fn two_people() -> (Image, Model) {
    let operations = [Operation::Enrol(1, vec![1, 2]), Operation::Enrol(2, vec![3])];
    let recording = record(&operations, Betrayal::None);
    let mut image = Image::default();
    recording.log.iter().for_each(|event| image.apply(event).unwrap());
    (image, recording.acknowledged.last().unwrap().1.clone())
}

fn operations() -> Vec<Operation> {
    use Operation::*;
    let large = Enrol(3, (0..9).collect());
    vec![
        Enrol(3, vec![4, 5, 6]),
        Add(1, vec![7]),
        Rename(1, 4),
        Metadata(2, 3),
        Remove(1),
        Compact,
        CompactSome,
        large,
    ]
}

/// Runs one operation with a fault, and checks everything that an error promises.
fn run(image: &Image, before: &Model, operation: &Operation, fault: Fault) -> usize {
    let after = before.after(operation).unwrap();
    let disk = SimDisk::new(image.clone(), Betrayal::None);
    let mut gallery = open(&disk, Access::Write).unwrap();
    let mut reader = open(&disk, Access::Read).unwrap();
    disk.set_fault(Some(fault));
    let outcome = ask(&mut gallery, operation);
    let context = format!("{operation:?} with {fault:?}: {outcome:?}");
    let done = matches!(outcome, Ok(()) | Err(GalleryError::NotErased { .. }));
    let expected = if done { &after } else { before };
    assert_eq!(contents(&gallery), expected.people, "in memory after {context}");
    assert_eq!(gallery.search(&template(3), 1).0.len(), 1, "matching after {context}");
    let counted = disk.set_fault(None);
    let unsure = matches!(outcome, Err(GalleryError::Unsure { .. }));
    let _ = reader.reload();
    assert!(unsure || contents(&reader) == expected.people, "a reader after {context}");
    let again = ask(&mut gallery, &Operation::Rename(2, 9));
    match &outcome {
        Ok(()) | Err(GalleryError::NotSaved { .. }) => assert!(again.is_ok(), "{again:?} after {context}"),
        Err(GalleryError::Unsure { .. } | GalleryError::NotErased { .. }) => {
            assert!(matches!(again, Err(GalleryError::Halted { .. })), "{again:?} after {context}");
        }
        Err(_) => panic!("{context}"),
    }
    let _ = reader.reload();
    assert!(
        unsure || contents(&reader) == contents(&gallery),
        "a reader after one more change after {context}"
    );
    drop(gallery);
    let gallery = open(&disk, Access::Write).unwrap();
    let found = contents(&gallery);
    let renamed = expected.after(&Operation::Rename(2, 9)).unwrap();
    let halted = unsure || matches!(outcome, Err(GalleryError::NotErased { .. }));
    let possible = if halted { [before, &after] } else { [&renamed, &renamed] };
    assert!(possible.iter().any(|model| model.people == found), "{found:?} reopened after {context}");
    counted
}

#[test]
fn every_fault_leaves_no_half_state() {
    let (image, before) = two_people();
    let kinds = [ENOSPC, EROFS, EIO].map(Kind::Change).into_iter().chain([
        Kind::Sync(EIO),
        Kind::Torn(EIO),
        Kind::Torn(ENOSPC),
        Kind::Short,
    ]);
    let mut runs = 0;
    for operation in &operations() {
        for kind in kinds.clone() {
            let calls = run(&image, &before, operation, Fault { after: usize::MAX, times: 0, kind });
            for after in 0..calls {
                for times in [1, usize::MAX] {
                    run(&image, &before, operation, Fault { after, times, kind });
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} faults");
    assert!(runs > 100);
}

/// A device that cannot be read: opening says so, a running reader keeps what it has.
#[test]
fn unreadable_disks_are_errors_and_not_empty_galleries() {
    let (image, before) = two_people();
    let disk = SimDisk::new(image, Betrayal::None);
    let mut reader = open(&disk, Access::Read).unwrap();
    for after in 0..12 {
        disk.set_fault(Some(Fault { after, times: 1, kind: Kind::Read(EIO) }));
        let error = open(&disk, Access::Read).err().expect("must fail");
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
    disk.set_fault(Some(Fault { after: 0, times: usize::MAX, kind: Kind::Read(EIO) }));
    assert!(reader.reload().is_err());
    assert!(!reader.reload().unwrap(), "said once");
    assert_eq!(contents(&reader), before.people);
    disk.set_fault(None);
    assert!(!reader.reload().unwrap());
}

/// What only reads is not kept from it by a disk that cannot be written.
#[test]
fn a_writer_on_a_read_only_disk_still_matches() {
    let (image, before) = two_people();
    let disk = SimDisk::new(image, Betrayal::None);
    disk.set_fault(Some(Fault { after: 0, times: usize::MAX, kind: Kind::Change(EROFS) }));
    let mut gallery = open(&disk, Access::Write).unwrap();
    assert_eq!(contents(&gallery), before.people);
    assert!(ask(&mut gallery, &Operation::Remove(1)).is_err());
    assert_eq!(contents(&gallery), before.people);
}
