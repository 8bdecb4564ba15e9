//! The gallery in a folder: opening, what it is asked, and readers. How it is changed is in
//! `writer.rs`.

use crate::compaction::Compaction;
use crate::disk::{Disk, Folder, Purpose};
use crate::key::GalleryKey;
use crate::load::{Advance, GALLERY_FILE, KeySource, Loaded, Source};
use crate::search::Restriction;
use crate::snapshot::Snapshot;
use crate::{
    EnrolTemplate, Enrolment, Finding, Gallery, GalleryError, Metadata, Person, PersonName, Problem,
};
use mfn_template::{Candidates, PersonId, Template, TemplateSpace};
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};

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
    pub(crate) source: Source,
    /// What was loaded; none while there is no file.
    pub(crate) loaded: Option<Loaded>,
    /// Stands for the people while nothing is loaded.
    pub(crate) nobody: Snapshot,
    pub(crate) slots: u32,
    /// Held as long as this gallery may write.
    pub(crate) lock: Option<Box<dyn Any + Send + Sync>>,
    /// Where one has begun.
    pub(crate) compaction: Option<Compaction>,
    /// Why there are no more changes.
    pub(crate) halted: Option<String>,
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

    /// As [`FileGallery::open`] with the key of this file. A writer makes the key (mode 0600) where
    /// there is neither a key nor a gallery; the flag says that it did: tell the user to keep a copy
    /// elsewhere. A reader never does, and takes up a key that appears later with the gallery.
    ///
    /// # Errors
    /// As [`FileGallery::open`], or when the key is missing beside a gallery or cannot be used.
    pub fn open_with_key_file(
        dir: &Path,
        space: &TemplateSpace,
        dimension: usize,
        access: Access,
        key_file: &Path,
    ) -> Result<(FileGallery, bool), GalleryError> {
        let there = dir.join(GALLERY_FILE).symlink_metadata().is_ok();
        let (key, made) = match access {
            Access::Read => (KeySource::File(key_file.to_owned()), false),
            Access::Write if there => (KeySource::Known(GalleryKey::load(key_file)?.0), false),
            Access::Write => {
                let (key, made) = GalleryKey::load_or_create(key_file)?;
                (KeySource::Known(key.0), made)
            }
        };
        let disk = Box::new(Folder::new(dir));
        Ok((FileGallery::open_from(disk, space, dimension, access, key, SLOTS)?, made))
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
        FileGallery::open_from(disk, space, dimension, access, KeySource::Known(key.0.clone()), slots)
    }

    fn open_from(
        disk: Box<dyn Disk>,
        space: &TemplateSpace,
        dimension: usize,
        access: Access,
        key: KeySource,
        slots: u32,
    ) -> Result<FileGallery, GalleryError> {
        let (lock, purpose) = match access {
            Access::Read => (None, Purpose::Read),
            Access::Write => (Some(disk.lock()?), Purpose::Update),
        };
        let source = Source { disk, key, space: space.clone(), dimension, purpose };
        let nobody = source.nobody();
        let (halted, complaint, compaction) = (None, None, None);
        let slots = slots.clamp(1, 65_536);
        let mut gallery =
            FileGallery { source, loaded: None, nobody, slots, lock, compaction, halted, complaint };
        gallery.loaded = gallery.read(gallery.source.load_or_old())?;
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

    /// Writes everything anew with an empty journal, at once. Happens by itself when the journal is full;
    /// when it is cut off, the gallery is as it was. Takes time in proportion to the gallery; other
    /// processes match meanwhile. [`FileGallery::compact_some`] does the same in small pieces.
    ///
    /// # Errors
    /// When the new file cannot be saved.
    pub fn compact(&mut self) -> Result<(), GalleryError> {
        self.check_writable()?;
        self.in_place()?;
        self.rewrite(self.state().clone())
    }

    /// The values of a person's templates, in the order of [`Person::templates`]; nothing for nobody. For
    /// measuring how alike the gallery's people are; matching is [`Gallery::search`].
    #[must_use]
    pub fn values_of(&self, id: PersonId) -> Vec<&[f32]> {
        let person = self.state().person(id);
        person.map_or_else(|_| Vec::new(), |person| self.state().references(person).map(|(_, v)| v).collect())
    }

    pub(crate) fn state(&self) -> &Snapshot {
        self.loaded.as_ref().map_or(&self.nobody, |loaded| &loaded.state)
    }

    /// A person with the values of all templates.
    #[cfg(test)]
    pub(crate) fn person_and_values(&self, id: PersonId) -> (&Person, Vec<&[f32]>) {
        let person = self.state().person(id).unwrap();
        (person, self.state().references(person).map(|(_, values)| values).collect())
    }

    pub(crate) fn unusable(&self, problem: Problem) -> GalleryError {
        GalleryError::Unusable { path: self.path(), problem }
    }

    pub(crate) fn not_saved(&self, source: io::Error) -> GalleryError {
        GalleryError::NotSaved { path: self.path(), source }
    }

    fn tell_findings(&self) {
        for finding in self.findings() {
            let level = if finding.is_damage() { log::Level::Error } else { log::Level::Warn };
            log::log!(level, "gallery {}: {finding}", self.source.disk.path().display());
        }
    }

    /// Takes in what was read.
    fn read(&self, loaded: Result<Option<Loaded>, Problem>) -> Result<Option<Loaded>, GalleryError> {
        let mut loaded = loaded.map_err(|p| self.unusable(p))?;
        if let Some(loaded) = loaded.as_mut().filter(|_| self.lock.is_none()) {
            loaded.keys = None;
        }
        Ok(loaded)
    }

    fn look(&mut self) -> Result<bool, GalleryError> {
        let now = self.source.disk.identity(GALLERY_FILE).map_err(|e| self.unusable(e.into()))?;
        let known = self.loaded.as_ref().map(|loaded| loaded.identity);
        match (&mut self.loaded, now) {
            (None, None) => return Ok(false),
            (Some(_), None) => return Err(GalleryError::Gone { path: self.path() }),
            (Some(loaded), Some(_)) if now == known => match loaded.advance(&self.source) {
                Ok(Advance::Nothing) => return Ok(false),
                Ok(Advance::Taken) => return Ok(true),
                // The whole reading gives the better message.
                Ok(Advance::ReadAgain) | Err(_) => {}
            },
            _ => {}
        }
        let Some(new) = self.read(self.source.load())? else { return Ok(false) };
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
        self.state().check_enrolment(people)?;
        let keys = self.fresh_keys(people.len())?;
        let (edits, ids) = self.state().enrolment(people, &keys);
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
