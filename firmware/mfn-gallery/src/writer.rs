//! The writer's side of a gallery: making it, appending operations, destroying keys. Writing it anew is
//! in `compaction.rs`.

use crate::compaction::NEW_FILE;
use crate::edit::{Edit, What};
use crate::header::PAGE;
use crate::keys::{KeyTable, Lookup};
use crate::load::GALLERY_FILE;
use crate::person::KeyPlace;
use crate::seal::{Id, Secret, random};
use crate::store::FileGallery;
use crate::{Finding, GalleryError};
use std::collections::HashSet;
use std::io;

impl FileGallery {
    /// Makes what is missing, takes back a torn tail, completes removals.
    pub(crate) fn prepare(&mut self) -> Result<(), GalleryError> {
        if self.findings().iter().any(Finding::is_damage) {
            return Ok(());
        }
        if self.loaded.is_none() {
            self.create_gallery().map_err(|e| self.folder(e))?;
        }
        let key = self.key();
        if let Some(loaded) = self.loaded.as_mut().filter(|loaded| loaded.keys.is_none()) {
            match key.and_then(|key| KeyTable::create(&*self.source.disk, &loaded.header.gallery, &key)) {
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

    pub(crate) fn key(&self) -> io::Result<Secret> {
        self.source.key.secret().map_err(io::Error::other)
    }

    fn folder(&self, source: io::Error) -> GalleryError {
        GalleryError::Folder { path: self.source.disk.path().to_owned(), source }
    }

    fn create_gallery(&mut self) -> io::Result<()> {
        let loaded = self.write_new(&self.nobody, random()?, None)?;
        self.source.disk.rename(NEW_FILE, GALLERY_FILE)?;
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

    pub(crate) fn check_writable(&self) -> Result<(), GalleryError> {
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
    pub(crate) fn commit(&mut self, edits: Vec<Edit>) -> Result<(), GalleryError> {
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
        if edits.iter().any(|edit| edit.what == What::Remove) {
            // What is half written would need a key that is about to be destroyed.
            self.compaction = None;
        }
        self.destroy(&edits)
    }

    /// Whether the file that is open still has its name; false when nothing has.
    pub(crate) fn in_place(&self) -> Result<bool, GalleryError> {
        let now = self.source.disk.identity(GALLERY_FILE).map_err(|e| self.not_saved(e))?;
        if now.is_some() && now != self.loaded.as_ref().map(|loaded| loaded.identity) {
            let why = "another file was put in its place while this process had it open: start again";
            return Err(self.not_saved(io::Error::other(why)));
        }
        Ok(now.is_some())
    }

    /// Destroys the keys of everybody whom an operation has removed.
    pub(crate) fn destroy(&mut self, edits: &[Edit]) -> Result<(), GalleryError> {
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

    pub(crate) fn unsure(&mut self, source: io::Error) -> GalleryError {
        self.halted = Some(source.to_string());
        GalleryError::Unsure { path: self.path(), source }
    }

    /// Keys for new people.
    pub(crate) fn fresh_keys(&mut self, count: usize) -> Result<Vec<KeyPlace>, GalleryError> {
        let used: HashSet<u32> = self.state().people.iter().map(|p| p.key.entry).collect();
        let Some(keys) = self.loaded.as_mut().and_then(|l| l.keys.as_mut()) else { return Ok(Vec::new()) };
        keys.free(&used, count).map_err(|e| self.not_saved(e))
    }
}
