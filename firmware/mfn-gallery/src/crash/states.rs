//! The store beside its specification: without faults, and through power cuts.

use super::WITHOUT_TAGS;
use super::harness::{Recording, Tally, open, record};
use super::model::{Model, Operation, ask, contents, operation};
use super::sim::{Betrayal, Image, SimDisk};
use crate::{Access, Backup, Cost, FileGallery, Gallery, Passphrase, Removed};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

const SLOW: bool = cfg!(target_arch = "aarch64");

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn the_gallery_is_the_model() {
    proptest!(config(if SLOW { 5 } else { 100 }), |(operations in proptest::collection::vec(operation(), 1..30))| {
        let disk = SimDisk::new(Image::default(), Betrayal::None);
        let mut gallery = open(&disk, Access::Write).unwrap();
        let mut reader = open(&disk, Access::Read).unwrap();
        let mut model = Model::default();
        for operation in &operations {
            if *operation == Operation::Reopen {
                drop(gallery);
                gallery = open(&disk, Access::Write).unwrap();
                prop_assert_eq!(gallery.findings(), &[]);
            }
            let next = model.after(operation);
            prop_assert_eq!(ask(&mut gallery, operation).is_ok(), next.is_some(), "{:?}", operation);
            model = next.unwrap_or(model);
            prop_assert_eq!(contents(&gallery), model.people.clone());
            reader.reload().unwrap();
            prop_assert_eq!(contents(&reader), model.people.clone(), "a reader after {:?}", operation);
            prop_assert_eq!(reader.generation(), gallery.generation());
        }
    });
}

/// A sequence with everything in it: several templates, removal, compaction.
fn eventful() -> Vec<Operation> {
    use Operation::*;
    vec![
        Enrol(1, vec![1, 2, 3]),
        Enrol(2, vec![4]),
        Rename(1, 3),
        Remove(2),
        Add(1, vec![5, 6]),
        Enrol(4, vec![7, 8]),
        Metadata(3, 4),
        Compact,
        CompactSome,
        Add(3, vec![10]),
        CompactSome,
        Rename(3, 2),
        CompactSome,
        Remove(1),
        CompactSome,
        CompactSome,
        Reopen,
        Enrol(5, vec![9]),
    ]
}

fn random_recordings(count: usize) -> impl Iterator<Item = Recording> {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    (0..count).map(move |_| {
        let operations =
            proptest::collection::vec(operation(), 8..16).new_tree(&mut runner).unwrap().current();
        record(&operations, Betrayal::None)
    })
}

#[test]
fn every_cut_leaves_what_was_acknowledged() {
    let mut tally = Tally::default();
    let step = if SLOW { 9 } else { 1 };
    tally.run(&record(&eventful(), Betrayal::None), step, 8, 3);
    random_recordings(if SLOW { 1 } else { 6 }).for_each(|recording| tally.run(&recording, step, 4, 2));
    println!("{} states, failures: {:?}", tally.states, tally.failures);
    assert!(tally.states > if SLOW { 100 } else { 2_000 });
    assert_eq!(tally.failed(), 0, "{tally:?}");
}

#[test]
#[ignore = "100,000 states and more take minutes: cargo test --release -p mfn-gallery --lib -- --ignored"]
fn a_hundred_thousand_cuts_leave_what_was_acknowledged() {
    let mut tally = Tally::default();
    tally.run(&record(&eventful(), Betrayal::None), 1, 64, 10);
    let mut sequences = 0;
    for recording in random_recordings(10_000) {
        sequences += 1;
        tally.run(&recording, 1, 12, 6);
        if tally.states >= 300_000 {
            break;
        }
    }
    println!("{} states, {sequences} random sequences, failures: {:?}", tally.states, tally.failures);
    assert!(tally.states >= 100_000);
    assert_eq!(tally.failed(), 0, "{tally:?}");
}

fn backup(gallery: &FileGallery) -> Backup {
    let (mut file, cost) = (Vec::new(), Cost { memory_kib: 8, passes: 1, lanes: 1 });
    let passphrase = Passphrase::new("correct horse battery".to_owned()).unwrap();
    gallery.export(&mut file, &passphrase, cost).unwrap();
    Backup::read(file.as_slice(), &passphrase).unwrap()
}

/// Two people come in; then a newer backup says that one of them was removed.
#[test]
fn a_cut_import_is_whole_or_not_at_all() {
    let (there, here) = [(); 2].map(|()| SimDisk::new(Image::default(), Betrayal::None)).into();
    let mut other = open(&there, Access::Write).unwrap();
    ask(&mut other, &Operation::Enrol(1, vec![1, 2])).unwrap();
    ask(&mut other, &Operation::Enrol(2, vec![3])).unwrap();
    let before = backup(&other);
    ask(&mut other, &Operation::Remove(1)).unwrap();
    let mut gallery = open(&here, Access::Write).unwrap();
    ask(&mut gallery, &Operation::Enrol(3, vec![4])).unwrap();
    let mut acknowledged = Vec::new();
    for backup in [None, Some(before), Some(backup(&other))] {
        backup.map(|backup| gallery.import(&backup, Removed::LeaveOut).unwrap());
        let people = contents(&gallery);
        acknowledged.push((here.events(), Model { last_id: 3, people }));
    }
    assert_eq!(acknowledged.iter().map(|(_, model)| model.people.len()).collect::<Vec<_>>(), [1, 3, 2]);
    let mut tally = Tally::default();
    // Until the first person was there, nobody is what there may be.
    acknowledged.insert(0, (0, Model::default()));
    tally.run(&Recording { log: here.log(), acknowledged }, if SLOW { 9 } else { 1 }, 8, 3);
    println!("import: {} states, failures: {:?}", tally.states, tally.failures);
    assert!(tally.states > if SLOW { 20 } else { 100 } && tally.failed() == 0, "{tally:?}");
}

/// The harness proves nothing unless it catches a store that is wrong.
fn caught(betrayal: Betrayal) -> Tally {
    let mut tally = Tally::default();
    let operations: Vec<Operation> = eventful().into_iter().filter(|o| *o != Operation::Reopen).collect();
    tally.run(&record(&operations, betrayal), 2, 4, 2);
    println!("{betrayal:?}: {} states, failures: {:?}", tally.states, tally.failures);
    tally
}

#[test]
fn a_store_without_fsync_is_caught() {
    assert!(caught(Betrayal::NoSync).failed() > 0);
}

#[test]
fn a_store_that_acknowledges_early_is_caught() {
    assert!(caught(Betrayal::LateSync).failed() > 0);
}

#[test]
fn a_store_without_tags_is_caught() {
    WITHOUT_TAGS.set(true);
    let outcome = std::panic::catch_unwind(|| caught(Betrayal::None).failed());
    WITHOUT_TAGS.set(false);
    assert!(outcome.is_err() || outcome.is_ok_and(|failed| failed > 0));
}
