//! Reading what is on the disk: the whole gallery, or what was added since.

use crate::disk::{Disk, DiskFile, Identity, Purpose};
use crate::edit::{Edit, What};
use crate::header::{Header, PAGE, damaged};
use crate::journal::{Replay, replay};
use crate::keys::KeyTable;
use crate::owners::Owners;
use crate::packed::Index;
use crate::seal::{Id, Secret};
use crate::slot::{Slot, SlotKeys};
use crate::snapshot::Snapshot;
use crate::{Finding, GalleryKey, KeyError, Problem};
use mfn_template::TemplateSpace;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

/// The gallery's name in its folder.
pub const GALLERY_FILE: &str = "gallery.mfn";
/// The file that had this name before the last compaction.
pub const OLD_FILE: &str = "gallery.mfn.old";

/// What one gallery is read with.
pub(crate) struct Source {
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) key: KeySource,
    pub(crate) space: TemplateSpace,
    pub(crate) dimension: usize,
    pub(crate) purpose: Purpose,
}

/// Where the gallery key comes from.
pub(crate) enum KeySource {
    Known(Secret),
    /// Readers do not make one: it need not be there before the gallery is.
    File(PathBuf),
}

impl KeySource {
    pub(crate) fn secret(&self) -> Result<Secret, KeyError> {
        match self {
            KeySource::Known(secret) => Ok(secret.clone()),
            KeySource::File(path) => GalleryKey::load(path).map(|key| key.0),
        }
    }
}

/// A gallery as it is on the disk and in memory.
pub(crate) struct Loaded {
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) identity: Identity,
    pub(crate) header: Header,
    pub(crate) journal_at: u64,
    /// A writer's; none while nobody was ever enrolled and the table is not there yet. Readers read the
    /// table when they need it, and keep no keys.
    pub(crate) keys: Option<KeyTable>,
    pub(crate) slots: SlotKeys,
    pub(crate) state: Snapshot,
    /// The journal's place after the last operation.
    pub(crate) end: u32,
    /// Places from there on that hold anything.
    pub(crate) tail: Vec<u32>,
    /// The bytes of the last slot of the last operation; empty when there is none.
    pub(crate) last_slot: Vec<u8>,
    pub(crate) findings: Vec<Finding>,
}

impl Source {
    /// Reads everything; nothing when there is no file. A reader looks again when a writer has
    /// removed somebody between two of its looks.
    pub(crate) fn load(&self) -> Result<Option<Loaded>, Problem> {
        let mut loaded = self.load_once(GALLERY_FILE)?;
        for _ in 0..2 {
            if self.purpose == Purpose::Update || loaded.as_ref().is_none_or(|l| l.findings.is_empty()) {
                break;
            }
            loaded = self.load_once(GALLERY_FILE)?;
        }
        Ok(loaded)
    }

    /// As [`Source::load`]; where nothing of the file can be used, what there was before the last
    /// compaction, which then takes no changes.
    pub(crate) fn load_or_old(&self) -> Result<Option<Loaded>, Problem> {
        let problem = match self.load() {
            Err(problem) if problem.is_loss() => problem,
            other => return other,
        };
        match self.load_once(OLD_FILE) {
            Ok(Some(mut old)) => {
                let why = problem.to_string();
                old.findings.insert(0, Finding::OldCopy { why, generation: old.state.generation });
                Ok(Some(old))
            }
            _ => Err(problem),
        }
    }

    fn load_once(&self, name: &str) -> Result<Option<Loaded>, Problem> {
        let Some(file) = open(&*self.disk, name, self.purpose)? else {
            return match self.disk.identity(crate::KEYS_FILE)? {
                Some(_) => Err(Problem::GalleryMissing),
                None => Ok(None),
            };
        };
        let key = self.key.secret().map_err(Problem::Key)?;
        let identity = file.identity()?;
        let (header, page) = Header::read(&*file)?;
        header.check_for(&key, &self.space, self.dimension)?;
        let index = Index::read(&*file, &header, &page, &key)?;
        let keys = KeyTable::open(&*self.disk, self.purpose, &header.gallery, &key);
        let keys = keys.map_err(Problem::of_key_table)?;
        let journal_at = header.journal_at().ok_or_else(|| damaged("impossible lengths"))?;
        let mut findings = Vec::new();
        let state = match &keys {
            None if !index.nobody_ever() => return Err(Problem::KeysMissing),
            None => Snapshot { generation: header.generation, ..self.nobody() },
            Some(keys) => {
                let (state, found) = index.load(&*file, &header, keys)?;
                findings = found;
                state
            }
        };
        let slots = SlotKeys::new(&key, header.gallery, header.snapshot, header.dimension);
        let (tail, last_slot, none) = Default::default();
        let mut loaded = Loaded {
            file,
            identity,
            header,
            journal_at,
            keys,
            slots,
            state,
            end: 0,
            tail,
            last_slot,
            findings: none,
        };
        loaded.replay_all(findings)?;
        Ok(Some(loaded))
    }

    /// A gallery that nobody is enrolled in.
    pub(crate) fn nobody(&self) -> Snapshot {
        Snapshot::empty(self.dimension)
    }
}

/// Opens a file of a gallery; nothing when there is none.
pub(crate) fn open(
    disk: &dyn Disk,
    name: &str,
    purpose: Purpose,
) -> Result<Option<Box<dyn DiskFile>>, Problem> {
    let loops = rustix::io::Errno::LOOP.raw_os_error();
    match disk.open(name, purpose) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.raw_os_error() == Some(loops) => Err(Problem::SymbolicLink),
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory) => {
            Err(Problem::NotAFile)
        }
        Err(e) => Err(e.into()),
    }
}

impl Loaded {
    fn replay_all(&mut self, of_chunks: Vec<(Id, Finding)>) -> Result<(), Problem> {
        let mut slots = Vec::new();
        for place in 0..self.header.slots {
            slots.push(self.slot(place)?);
        }
        if self.keys.is_none() && slots.iter().any(|slot| *slot != Slot::Empty) {
            return Err(Problem::KeysMissing);
        }
        let mut replay = replay(slots, 0);
        let (mut owners, forged) = Owners::of(&self.state);
        owners.judge(&mut replay.operations);
        let lost: Vec<(Id, Finding)> = replay.operations.iter().flatten().filter_map(unreadable).collect();
        self.take(&replay)?;
        self.tail = replay.tail;
        self.findings = replay.findings;
        let erased: HashSet<&Id> = self.state.erased.iter().collect();
        for (serial, finding) in of_chunks.into_iter().chain(forged).chain(lost) {
            // Whose removal stands in the journal is no news.
            if !erased.contains(&serial) && !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Takes over whole operations.
    fn take(&mut self, replay: &Replay) -> Result<(), Problem> {
        if !replay.operations.is_empty() {
            self.state = self.state.after(&replay.operations);
            self.end = replay.end;
            self.last_slot = self.bytes(self.end - 1)?;
        }
        Ok(())
    }

    /// Takes over what a writer has added to the journal.
    pub(crate) fn advance(&mut self, source: &Source) -> Result<Advance, Problem> {
        if self.end > 0 && self.bytes(self.end - 1)? != self.last_slot {
            return Ok(Advance::ReadAgain);
        }
        if self.end == self.header.slots || self.bytes(self.end)?.iter().all(|&b| b == 0) {
            return Ok(Advance::Nothing);
        }
        let key = source.key.secret().map_err(Problem::Key)?;
        self.keys = KeyTable::open(&*source.disk, source.purpose, &self.header.gallery, &key)?;
        let advance = self.replay_more();
        self.keys = None;
        advance
    }

    fn replay_more(&mut self) -> Result<Advance, Problem> {
        let mut slots = Vec::new();
        for place in self.end..self.header.slots {
            match self.slot(place)? {
                Slot::Empty => break,
                slot => slots.push(slot),
            }
        }
        let mut replay = replay(slots, self.end);
        if !replay.operations.is_empty() {
            Owners::of(&self.state).0.judge(&mut replay.operations);
        }
        let complete = replay.findings.iter().all(|f| matches!(f, Finding::TornTail { .. }));
        if !complete || replay.operations.iter().flatten().any(|edit| unreadable(edit).is_some()) {
            return Ok(Advance::ReadAgain);
        }
        if replay.operations.is_empty() {
            return Ok(Advance::Nothing);
        }
        self.take(&replay)?;
        Ok(Advance::Taken)
    }

    pub(crate) fn slot(&self, place: u32) -> io::Result<Slot> {
        let bytes = self.bytes(place)?;
        Ok(match &self.keys {
            Some(keys) => self.slots.open(place, &bytes, keys),
            None if bytes.iter().all(|&b| b == 0) => Slot::Empty,
            None => Slot::Bad,
        })
    }

    fn bytes(&self, place: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; PAGE];
        self.file.read_all_at(&mut bytes, self.place(place))?;
        Ok(bytes)
    }

    /// Where a slot is in the file.
    pub(crate) fn place(&self, slot: u32) -> u64 {
        self.journal_at + u64::from(slot) * PAGE as u64
    }
}

/// What a look at the journal has brought.
pub(crate) enum Advance {
    Nothing,
    Taken,
    /// Something was taken back, a key is new, or damage: read everything.
    ReadAgain,
}

fn unreadable(edit: &Edit) -> Option<(Id, Finding)> {
    let person = edit.person;
    match edit.what {
        What::Erased => Some((edit.key.serial, Finding::Erased { person })),
        What::Damaged => Some((edit.key.serial, Finding::DamagedPerson { person })),
        _ => None,
    }
}
