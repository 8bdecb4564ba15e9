//! Runs operations on a recorded disk, and rebuilds what a power cut at any point can leave.

use super::model::{DIMENSION, Model, Operation, ask, contents};
use super::sim::{Betrayal, Event, Image, SimDisk, put};
use crate::{Access, FileGallery, GalleryError, GalleryKey};
use mfn_template::TemplateSpace;
use std::collections::BTreeMap;

/// What disks write as a whole, or not.
const SECTOR: usize = 512;
/// Slots of the journals here: few, so that compaction is frequent.
pub const SLOTS: u32 = 6;

pub fn key() -> GalleryKey {
    GalleryKey::from_bytes(&[7; 32])
}

pub fn space() -> TemplateSpace {
    TemplateSpace::new("test-space").unwrap()
}

pub fn open(disk: &SimDisk, access: Access) -> Result<FileGallery, GalleryError> {
    FileGallery::open_on(Box::new(disk.clone()), &space(), DIMENSION, access, &key(), SLOTS)
}

/// What was recorded: the disk's events, and after how many of them each state was acknowledged.
pub struct Recording {
    pub log: Vec<Event>,
    pub acknowledged: Vec<(usize, Model)>,
}

/// Runs operations; those that must be refused are, and leave no event.
pub fn record(operations: &[Operation], betrayal: Betrayal) -> Recording {
    let disk = SimDisk::new(Image::default(), betrayal);
    let mut gallery = open(&disk, Access::Write).unwrap();
    let mut model = Model::default();
    let mut acknowledged = vec![(disk.events(), model.clone())];
    for operation in operations {
        if *operation == Operation::Reopen {
            drop(gallery);
            gallery = open(&disk, Access::Write).unwrap();
        }
        let (before, next) = (disk.events(), model.after(operation));
        assert_eq!(ask(&mut gallery, operation).is_ok(), next.is_some(), "{operation:?}");
        match next {
            Some(next) => model = next,
            None => assert_eq!(disk.events(), before, "a refused {operation:?} was written"),
        }
        assert_eq!(contents(&gallery), model.people);
        acknowledged.push((disk.events(), model.clone()));
    }
    Recording { log: disk.log(), acknowledged }
}

impl Recording {
    /// The states of which one must be there after a cut at this event: what was acknowledged, and
    /// that with the operation in flight.
    fn acceptable(&self, cut: usize) -> [&Model; 2] {
        let done = self.acknowledged.iter().rposition(|(at, _)| *at <= cut);
        let before = done.unwrap_or(0);
        let next = (before + 1).min(self.acknowledged.len() - 1);
        [before, if done.is_some() { next } else { before }].map(|i| &self.acknowledged[i].1)
    }
}

/// What happens to sectors that were written and not synced.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Kept,
    Lost,
    Garbage,
    /// This one only is lost, turned to garbage or kept.
    OneLost(usize),
    OneGarbage(usize),
    OneKept(usize),
    /// Each by chance.
    Mixed(u64),
}

/// What is durable at a cut, and what may or may not be.
pub struct Cut {
    durable: Image,
    /// File, offset and new bytes of each sector, in order.
    sectors: Vec<(usize, u64, Vec<u8>)>,
    names: Vec<Event>,
}

impl Cut {
    pub fn new(log: &[Event]) -> Cut {
        let (durable, names) = Default::default();
        let mut cut = Cut { durable, sectors: Vec::new(), names };
        for event in log {
            cut.take(event);
        }
        cut
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Create { inode, .. } => {
                self.durable.files.resize(self.durable.files.len().max(inode + 1), Vec::new());
                self.names.push(event.clone());
            }
            Event::Write { inode, at, bytes } => {
                let sector = |(i, part): (usize, &[u8])| (*inode, at + (i * SECTOR) as u64, part.to_vec());
                self.sectors.extend(bytes.chunks(SECTOR).enumerate().map(sector));
            }
            Event::Sync { inode } => {
                let (synced, rest) = self.sectors.drain(..).partition(|sector| sector.0 == *inode);
                self.sectors = rest;
                let synced: Vec<(usize, u64, Vec<u8>)> = synced;
                synced.iter().for_each(|(inode, at, bytes)| put(&mut self.durable.files[*inode], *at, bytes));
            }
            Event::Rename { .. } | Event::Link { .. } | Event::Remove { .. } => {
                self.names.push(event.clone())
            }
            Event::SyncFolder => {
                let names = std::mem::take(&mut self.names);
                names.iter().for_each(|event| self.durable.apply(event).unwrap());
            }
        }
    }

    /// Every fate that matters, thinned out to `most` single sectors, with `mixed` mixtures.
    pub fn fates(&self, most: usize, mixed: u64, seed: u64) -> Vec<Fate> {
        if self.sectors.is_empty() && self.names.is_empty() {
            return vec![Fate::Kept];
        }
        let mut fates = vec![Fate::Kept, Fate::Lost, Fate::Garbage];
        let step = self.sectors.len().div_ceil(most.max(1)).max(1);
        let offset = seed as usize % step;
        for i in (offset..self.sectors.len()).step_by(step) {
            fates.extend([Fate::OneLost(i), Fate::OneGarbage(i), Fate::OneKept(i)]);
        }
        fates.extend((0..mixed).map(|i| Fate::Mixed(seed.wrapping_mul(1000).wrapping_add(i))));
        fates
    }

    /// The disk after the cut. Names change in order, so any number of their changes is there.
    pub fn image(&self, fate: Fate, names: usize) -> Image {
        let mut image = self.durable.clone();
        self.names[..names].iter().for_each(|event| image.apply(event).unwrap());
        let mut random = Random(0x9E37_79B9 ^ if let Fate::Mixed(seed) = fate { seed } else { 1 });
        for (i, (inode, at, bytes)) in self.sectors.iter().enumerate() {
            let file = &mut image.files[*inode];
            match random.fate(fate, i) {
                Fate::Kept => put(file, *at, bytes),
                Fate::Garbage => put(file, *at, &random.bytes(bytes.len())),
                // A file may have its new length and not its new bytes.
                _ if random.next() & 1 == 0 => file.resize(file.len().max(*at as usize + bytes.len()), 0),
                _ => {}
            }
        }
        image
    }

    /// Numbers of name changes that may be there.
    pub fn name_counts(&self) -> usize {
        self.names.len() + 1
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn fate(&mut self, fate: Fate, i: usize) -> Fate {
        match fate {
            Fate::OneLost(n) => {
                if n == i {
                    Fate::Lost
                } else {
                    Fate::Kept
                }
            }
            Fate::OneGarbage(n) => {
                if n == i {
                    Fate::Garbage
                } else {
                    Fate::Kept
                }
            }
            Fate::OneKept(n) => {
                if n == i {
                    Fate::Kept
                } else {
                    Fate::Lost
                }
            }
            Fate::Mixed(_) => [Fate::Kept, Fate::Lost, Fate::Garbage][self.next() as usize % 3],
            all => all,
        }
    }
}

/// What became of the states of one recording.
#[derive(Debug, Default)]
pub struct Tally {
    pub states: usize,
    pub failures: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub fn failed(&self) -> usize {
        self.failures.values().sum()
    }

    fn fail(&mut self, how: &'static str) {
        *self.failures.entry(how).or_default() += 1;
    }

    /// Cuts a recording after every `step`th event and looks at what is left.
    pub fn run(&mut self, recording: &Recording, step: usize, most: usize, mixed: u64) {
        let mut cut = Cut::new(&[]);
        for at in 0..=recording.log.len() {
            if at > 0 {
                cut.take(&recording.log[at - 1]);
            }
            if at % step != 0 {
                continue;
            }
            for fate in cut.fates(most, mixed, at as u64) {
                for names in 0..cut.name_counts() {
                    self.look(cut.image(fate, names), recording.acceptable(at));
                }
            }
        }
    }

    /// Opens what a cut has left, compares, goes on working, and opens again.
    fn look(&mut self, image: Image, acceptable: [&Model; 2]) {
        self.states += 1;
        let disk = SimDisk::new(image, Betrayal::None);
        let Ok(mut gallery) = open(&disk, Access::Write) else { return self.fail("unopenable") };
        if gallery.findings().iter().any(crate::Finding::is_damage) {
            return self.fail("called damaged");
        }
        let found = contents(&gallery);
        let Some(model) = acceptable.into_iter().find(|model| model.people == found) else {
            let lost = acceptable[0].people.keys().any(|id| !found.contains_key(id));
            return self.fail(if lost { "lost" } else { "torn" });
        };
        if !self.states.is_multiple_of(4) {
            return;
        }
        let enrol = Operation::Enrol(77, vec![1, 2]);
        let Some(next) = model.after(&enrol) else { return };
        if ask(&mut gallery, &enrol).is_err() {
            return self.fail("cannot go on");
        }
        drop(gallery);
        match open(&disk, Access::Read).map(|gallery| contents(&gallery).len()) {
            Ok(len) if len == next.people.len() => {}
            _ => self.fail("cannot go on"),
        }
    }
}
