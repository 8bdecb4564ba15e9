//! The gallery in a folder: opening, the writer's side of the journal, compaction, and readers.

use crate::disk::{Disk, Folder, Purpose};
use crate::edit::{Edit, What};
use crate::header::{Header, PAGE};
use crate::key::GalleryKey;
use crate::keys::{KeyTable, Lookup};
use crate::load::{Advance, GALLERY_FILE, Loaded, Source};
use crate::packed;
use crate::search::Restriction;
use crate::seal::{Id, random};
use crate::slot::SlotKeys;
use crate::snapshot::Snapshot;
use crate::{EnrolTemplate, Enrolment, Finding, Gallery, GalleryError, Metadata, Person, PersonName, Problem};
use mfn_template::{Candidates, PersonId, Template, TemplateSpace};
use std::any::Any;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

const NEW_FILE: &str = "gallery.mfn.new";
/// Slots of a journal: 4 MiB, a thousand changes between compactions.
const SLOTS: u32 = 1024;

/// What a gallery is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any number of processes at a time; a missing folder is an empty gallery.
    Read,
    /// One process at a time; a missing folder is made.
    Write,
}

/// A gallery in a folder, as `FORMAT.md` describes it. All of it is in memory as well.
pub struct FileGallery {
    source: Source,
    /// What was loaded; none while there is no file.
    loaded: Option<Loaded>,
    /// Stands for the people while nothing is loaded.
    nobody: Snapshot,
    slots: u32,
    /// Held as long as this gallery may write.
    lock: Option<Box<dyn Any + Send + Sync>>,
    /// Why there are no more changes.
    halted: Option<String>,
    /// The last complaint of [`Gallery::reload`].
    complaint: Option<String>,
}

impl FileGallery {
    /// Opens the gallery in a folder for the templates of one recogniser. A folder without a
    /// gallery is an empty one. Damage does not keep it from opening where anything is intact:
    /// see [`FileGallery::findings`].
    ///
    /// # Errors
    /// When the gallery is unusable (see [`Problem`]), or, for writing, when another process
    /// writes or the folder cannot be made or written.
    pub fn open(
        dir: &Path,
        space: &TemplateSpace,
        dimension: usize,
        access: Access,
        key: &GalleryKey,
    ) -> Result<FileGallery, GalleryError> {
        FileGallery::open_on(Box::new(Folder::new(dir)), space, dimension, access, key, SLOTS)
    }

    /// As [`FileGallery::open`], on any disk, with `slots` slots (1 to 65,536) in journals that are
    /// made from now on.
    ///
    /// # Errors
    /// The same.
    pub fn open_on(
        disk: Box<dyn Disk>,
        space: &TemplateSpace,
        dimension: usize,
        access: Access,
        key: &GalleryKey,
        slots: u32,
    ) -> Result<FileGallery, GalleryError> {
        let (lock, purpose) = match access {
            Access::Read => (None, Purpose::Read),
            Access::Write => (Some(disk.lock()?), Purpose::Update),
        };
        let (key, space) = (key.0.clone(), space.clone());
        let source = Source { disk, key, space, dimension, purpose };
        let nobody = source.nobody();
        let (halted, complaint) = (None, None);
        let slots = slots.clamp(1, 65_536);
        let mut gallery = FileGallery { source, loaded: None, nobody, slots, lock, halted, complaint };
        gallery.loaded = gallery.source.load().map_err(|p| gallery.unusable(p))?;
        gallery.tell_findings();
        if access == Access::Write {
            gallery.prepare()?;
        }
        Ok(gallery)
    }

    /// Grows by one with every change that was ever made.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.state().generation
    }

    /// The networks whose templates these are.
    #[must_use]
    pub fn space(&self) -> &TemplateSpace {
        &self.source.space
    }

    /// Values a template.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.source.dimension
    }

    /// The gallery's file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.source.disk.path().join(GALLERY_FILE)
    }

    /// What was dropped, left out or damaged when the gallery was last read as a whole.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.loaded.as_ref().map_or(&[], |loaded| &loaded.findings)
    }

    /// The opaque ids of everybody who was ever removed: what a backup must not bring back.
    #[must_use]
    pub fn erased(&self) -> &[[u8; 16]] {
        &self.state().erased
    }

    /// Slots of the journal that are free: when none are, the next change compacts.
    #[must_use]
    pub fn free_slots(&self) -> u32 {
        self.loaded.as_ref().map_or(self.slots, |loaded| loaded.header.slots - loaded.end)
    }

    /// Writes everything anew with an empty journal. Happens by itself when the journal is full;
    /// when it is cut off, the gallery is as it was. Takes time in proportion to the gallery; other
    /// processes match meanwhile.
    ///
    /// # Errors
    /// When the new file cannot be saved.
    pub fn compact(&mut self) -> Result<(), GalleryError> {
        self.check_writable()?;
        self.in_place()?;
        self.rewrite(self.state().clone())
    }

    fn state(&self) -> &Snapshot {
        self.loaded.as_ref().map_or(&self.nobody, |loaded| &loaded.state)
    }

    /// A person with the values of all templates.
    #[cfg(test)]
    pub(crate) fn person_and_values(&self, id: PersonId) -> (&Person, Vec<&[f32]>) {
        let person = self.state().person(id).unwrap();
        (person, self.state().references(person).map(|(_, values)| values).collect())
    }

    fn unusable(&self, problem: Problem) -> GalleryError {
        GalleryError::Unusable { path: self.path(), problem }
    }

    fn not_saved(&self, source: io::Error) -> GalleryError {
        GalleryError::NotSaved { path: self.path(), source }
    }

    fn tell_findings(&self) {
        for finding in self.findings() {
            let level = if finding.is_damage() { log::Level::Error } else { log::Level::Warn };
            log::log!(level, "gallery {}: {finding}", self.source.disk.path().display());
        }
    }

    /// Makes what is missing, takes back a torn tail, completes removals.
    fn prepare(&mut self) -> Result<(), GalleryError> {
        if self.findings().iter().any(Finding::is_damage) {
            return Ok(());
        }
        if self.loaded.is_none() {
            self.create_gallery().map_err(|e| self.folder(e))?;
        }
        if let Some(loaded) = self.loaded.as_mut().filter(|loaded| loaded.keys.is_none()) {
            match KeyTable::create(&*self.source.disk, &loaded.header.gallery, &self.source.key) {
                Ok(keys) => loaded.keys = Some(keys),
                Err(e) => return Err(self.folder(e)),
            }
        }
        if let Err(e) = self.mend() {
            log::error!("gallery {} cannot be written: {e}", self.source.disk.path().display());
            self.halted = Some(e.to_string());
        }
        Ok(())
    }

    fn folder(&self, source: io::Error) -> GalleryError {
        GalleryError::Folder { path: self.source.disk.path().to_owned(), source }
    }

    fn create_gallery(&mut self) -> io::Result<()> {
        let loaded = self.write_new(&self.nobody, random()?, None)?;
        self.put_in_place()?;
        self.source.disk.sync_folder()?;
        self.loaded = Some(loaded);
        Ok(())
    }

    fn mend(&mut self) -> io::Result<()> {
        let Some(loaded) = &mut self.loaded else { return Ok(()) };
        for place in std::mem::take(&mut loaded.tail) {
            loaded.file.write_all_at(&[0; PAGE], loaded.place(place))?;
            loaded.file.sync()?;
        }
        let erased: HashSet<Id> = loaded.state.erased.iter().copied().collect();
        match &mut loaded.keys {
            Some(keys) => keys.repair().and_then(|()| keys.destroy(&erased)),
            None => Ok(()),
        }
    }

    fn check_writable(&self) -> Result<(), GalleryError> {
        let path = || self.source.disk.path().to_owned();
        if self.lock.is_none() {
            return Err(GalleryError::ReadOnly);
        }
        if let Some(first) = self.findings().iter().find(|f| f.is_damage()) {
            return Err(GalleryError::Damaged { path: path(), first: first.clone() });
        }
        match &self.halted {
            Some(why) => Err(GalleryError::Halted { path: path(), why: why.clone() }),
            None => Ok(()),
        }
    }

    /// Makes an operation last, then takes it over.
    fn commit(&mut self, edits: Vec<Edit>) -> Result<(), GalleryError> {
        self.check_writable()?;
        let operation = [edits];
        let next = self.state().after(&operation);
        let [edits] = operation;
        if !self.in_place()? || edits.len() > self.free_slots() as usize {
            self.rewrite(next)?;
        } else {
            self.append(&edits)?;
            if let Some(loaded) = &mut self.loaded {
                loaded.state = next;
            }
        }
        self.destroy(&edits)
    }

    /// Whether the file that is open still has its name; false when nothing has.
    fn in_place(&self) -> Result<bool, GalleryError> {
        let now = self.source.disk.identity(GALLERY_FILE).map_err(|e| self.not_saved(e))?;
        if now.is_some() && now != self.loaded.as_ref().map(|loaded| loaded.identity) {
            let why = "another file was put in its place while this process had it open: start again";
            return Err(self.not_saved(io::Error::other(why)));
        }
        Ok(now.is_some())
    }

    /// Destroys the keys of everybody whom an operation has removed.
    fn destroy(&mut self, edits: &[Edit]) -> Result<(), GalleryError> {
        let removed = edits.iter().filter(|edit| edit.what == What::Remove);
        let serials: HashSet<Id> = removed.map(|edit| edit.key.serial).collect();
        let keys = self.loaded.as_mut().and_then(|loaded| loaded.keys.as_mut());
        let destroyed = match keys {
            Some(keys) if !serials.is_empty() => keys.destroy(&serials),
            _ => Ok(()),
        };
        destroyed.map_err(|source| {
            self.halted = Some(source.to_string());
            GalleryError::NotErased { path: self.path(), source }
        })
    }

    /// Writes an operation to the journal: all slots but the last, sync, the last, sync.
    fn append(&mut self, edits: &[Edit]) -> Result<(), GalleryError> {
        let sealed = self.seal(edits).map_err(|e| self.not_saved(e))?;
        let Some(loaded) = &self.loaded else { return Ok(()) };
        let (before, last) = sealed.split_at(sealed.len() - PAGE);
        for (bytes, at) in [(before, 0), (last, before.len() as u64)] {
            if bytes.is_empty() {
                continue;
            }
            if let Err(e) = loaded.file.write_all_at(bytes, loaded.place(loaded.end) + at) {
                return Err(self.take_back(e, sealed.len()));
            }
            if let Err(e) = loaded.file.sync() {
                return Err(self.unsure(e));
            }
        }
        let last_slot = last.to_vec();
        if let Some(loaded) = &mut self.loaded {
            loaded.end += edits.len() as u32;
            loaded.last_slot = last_slot;
        }
        Ok(())
    }

    fn seal(&self, edits: &[Edit]) -> io::Result<Vec<u8>> {
        let gone = || io::Error::other("the key table has no such key");
        let loaded = self.loaded.as_ref().ok_or_else(gone)?;
        let keys = loaded.keys.as_ref().ok_or_else(gone)?;
        let (first, last) = (loaded.end, loaded.end + edits.len() as u32 - 1);
        let mut sealed = Vec::with_capacity(PAGE * edits.len());
        for (place, edit) in (first..).zip(edits) {
            let Lookup::Key(key) = keys.get(edit.key) else { return Err(gone()) };
            sealed.extend(loaded.slots.seal(place, (first, last), edit, key)?);
        }
        Ok(sealed)
    }

    /// After a failed write any part of it may reach the disk: zeros go over it.
    fn take_back(&mut self, cause: io::Error, len: usize) -> GalleryError {
        let Some(loaded) = &self.loaded else { return self.not_saved(cause) };
        let zeros = loaded.file.write_all_at(&vec![0; len], loaded.place(loaded.end));
        match zeros.and_then(|()| loaded.file.sync()) {
            Ok(()) => self.not_saved(cause),
            Err(_) => self.unsure(cause),
        }
    }

    fn unsure(&mut self, source: io::Error) -> GalleryError {
        self.halted = Some(source.to_string());
        GalleryError::Unsure { path: self.path(), source }
    }

    /// Writes a state as a new file and puts it in the old one's place.
    fn rewrite(&mut self, next: Snapshot) -> Result<(), GalleryError> {
        let Some(Loaded { keys: Some(keys), header, .. }) = &self.loaded else { return Ok(()) };
        let written = self.write_new(&next, header.gallery, Some(keys));
        let mut new = written.map_err(|e| self.not_saved(e))?;
        self.put_in_place().map_err(|e| self.not_saved(e))?;
        if let Err(e) = self.source.disk.sync_folder() {
            return Err(self.unsure(e));
        }
        new.keys = self.loaded.take().and_then(|old| old.keys);
        self.loaded = Some(new);
        Ok(())
    }

    fn put_in_place(&self) -> io::Result<()> {
        let renamed = self.source.disk.rename(NEW_FILE, GALLERY_FILE);
        if renamed.is_err() {
            let _ = self.source.disk.remove(NEW_FILE);
        }
        renamed
    }

    /// Writes a new file beside the old one. What it gives has no key table yet.
    fn write_new(&self, state: &Snapshot, gallery: Id, keys: Option<&KeyTable>) -> io::Result<Loaded> {
        match self.source.disk.remove(NEW_FILE) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let header = Header {
            dimension: self.source.dimension,
            gallery,
            snapshot: random()?,
            check: self.source.key.check(&gallery),
            generation: state.generation,
            index: 0,
            chunks: 0,
            slots: self.slots,
            space: self.source.space.clone(),
        };
        let written = self.write_file(&header, state, keys);
        if written.is_err() {
            // Half a file is of no use to anybody; if even this fails, the next writer does it.
            let _ = self.source.disk.remove(NEW_FILE);
        }
        written
    }

    fn write_file(&self, header: &Header, state: &Snapshot, keys: Option<&KeyTable>) -> io::Result<Loaded> {
        let file = self.source.disk.open(NEW_FILE, Purpose::Create)?;
        let header = packed::write(&*file, header, state, keys, &self.source.key)?;
        file.sync()?;
        let journal_at = header.journal_at().ok_or(io::ErrorKind::FileTooLarge)?;
        let slots = SlotKeys::new(&self.source.key, header.gallery, header.snapshot, header.dimension);
        let (tail, last_slot, findings) = Default::default();
        let (identity, state) = (file.identity()?, state.clone());
        Ok(Loaded {
            file, identity, header, journal_at, keys: None, slots, state, end: 0, tail, last_slot, findings,
        })
    }

    /// Keys for new people.
    fn fresh_keys(&mut self, count: usize) -> Result<Vec<crate::person::KeyPlace>, GalleryError> {
        let used: HashSet<u32> = self.state().people.iter().map(|p| p.key.entry).collect();
        let Some(keys) = self.loaded.as_mut().and_then(|l| l.keys.as_mut()) else { return Ok(Vec::new()) };
        keys.free(&used, count).map_err(|e| self.not_saved(e))
    }

    fn look(&mut self) -> Result<bool, GalleryError> {
        let now = self.source.disk.identity(GALLERY_FILE).map_err(|e| self.unusable(e.into()))?;
        let known = self.loaded.as_ref().map(|loaded| loaded.identity);
        match (&mut self.loaded, now) {
            (None, None) => return Ok(false),
            (Some(_), None) => return Err(GalleryError::Gone { path: self.path() }),
            (Some(loaded), Some(_)) if now == known => match loaded.advance() {
                Ok(Advance::Nothing) => return Ok(false),
                Ok(Advance::Taken) => return Ok(true),
                // The whole reading gives the better message.
                Ok(Advance::ReadAgain) | Err(_) => {}
            },
            _ => {}
        }
        let Some(new) = self.source.load().map_err(|p| self.unusable(p))? else { return Ok(false) };
        if new.state.generation < self.generation() {
            log::warn!(
                "gallery generation {} replaced by {}: an older copy was put in its place",
                self.generation(),
                new.state.generation
            );
        }
        self.loaded = Some(new);
        self.tell_findings();
        Ok(true)
    }
}

impl Gallery for FileGallery {
    fn people(&self) -> &[Person] {
        &self.state().people
    }

    fn search_among(&self, probe: &Template, k: usize, among: &Restriction<'_>) -> Candidates {
        self.state().search(probe, k, among)
    }

    fn enrol_all(&mut self, people: &[Enrolment]) -> Result<Vec<PersonId>, GalleryError> {
        self.check_writable()?;
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.fresh_keys(people.len())?;
        let (edits, ids) = self.state().enrolment(people, &keys)?;
        self.commit(edits)?;
        Ok(ids)
    }

    fn add_templates(&mut self, person: PersonId, templates: &[EnrolTemplate]) -> Result<(), GalleryError> {
        self.commit(self.state().addition(person, templates)?)
    }

    fn rename(&mut self, person: PersonId, name: &PersonName) -> Result<(), GalleryError> {
        self.commit(self.state().details(person, Some(name), None)?)
    }

    fn set_metadata(&mut self, person: PersonId, metadata: &Metadata) -> Result<(), GalleryError> {
        self.commit(self.state().details(person, None, Some(metadata))?)
    }

    fn remove_all(&mut self, people: &[PersonId]) -> Result<(), GalleryError> {
        if people.is_empty() {
            return Ok(());
        }
        self.commit(self.state().removal(people)?)
    }

    fn reload(&mut self) -> Result<bool, GalleryError> {
        if self.lock.is_some() {
            // Nobody else writes.
            return Ok(false);
        }
        match self.look() {
            Ok(news) => {
                self.complaint = None;
                Ok(news)
            }
            // Said once, not twice a second.
            Err(e) if self.complaint.replace(e.to_string()).as_ref() == Some(&e.to_string()) => Ok(false),
            Err(e) => Err(e),
        }
    }
}
