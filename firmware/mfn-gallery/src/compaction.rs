//! Writing a gallery anew: all at once, or a piece at a time beside everything else. The file that was
//! there before is kept under another name: with its whole journal it is the last good state.

use crate::disk::{DiskFile, Purpose};
use crate::header::Header;
use crate::keys::{KeyTable, Lookup};
use crate::load::{GALLERY_FILE, Loaded, OLD_FILE};
use crate::packed::Writing;
use crate::seal::{Id, random};
use crate::slot::{Slot, SlotKeys};
use crate::snapshot::Snapshot;
use crate::store::FileGallery;
use crate::{Finding, GalleryError};
use std::io;

pub(crate) const NEW_FILE: &str = "gallery.mfn.new";

/// A compaction that has begun and not ended.
pub(crate) struct Compaction {
    file: Box<dyn DiskFile>,
    writing: Writing,
    /// The journal's place after the last operation that the new file contains.
    end: u32,
}

impl FileGallery {
    /// Whether the journal is so full that it is time for [`FileGallery::compact_some`].
    #[must_use]
    pub fn wants_compaction(&self) -> bool {
        let damaged = self.findings().iter().any(Finding::is_damage);
        let slots = self.loaded.as_ref().map_or(self.slots, |loaded| loaded.header.slots);
        self.lock.is_some() && self.halted.is_none() && !damaged && self.free_slots() < slots.div_ceil(4)
    }

    /// Does a piece of a compaction: at most a mebibyte is written and synced (the last piece also
    /// copies what was changed since the first). Changes and searches may come between the pieces; a
    /// removal makes it begin again. False when it is done. When it is cut off, the gallery is as it was.
    ///
    /// # Errors
    /// When it cannot be written; then it begins again with the next call.
    pub fn compact_some(&mut self) -> Result<bool, GalleryError> {
        self.check_writable()?;
        self.in_place()?;
        match self.piece() {
            Ok(true) => Ok(true),
            Ok(false) => self.finish_compaction().map(|()| false),
            Err(e) => {
                self.compaction = None;
                Err(self.not_saved(e))
            }
        }
    }

    /// Begins or goes on; false when all is written but what came since.
    fn piece(&mut self) -> io::Result<bool> {
        let Some(loaded) = &self.loaded else { return Ok(false) };
        let Some(Compaction { file, writing, .. }) = &mut self.compaction else {
            let file = self.new_file()?;
            let header = self.new_header(loaded.header.gallery, loaded.state.generation)?;
            let writing = Writing::begin(&*file, &header, &loaded.state, &self.key()?)?;
            self.compaction = Some(Compaction { file, writing, end: loaded.end });
            return Ok(true);
        };
        let more = writing.step(&**file, loaded.keys.as_ref())?;
        file.sync()?;
        Ok(more)
    }

    fn finish_compaction(&mut self) -> Result<(), GalleryError> {
        let (Some(loaded), Some(compaction)) = (&self.loaded, self.compaction.take()) else { return Ok(()) };
        let Compaction { file, writing, end } = compaction;
        let carried = loaded.end - end;
        let new = self.loaded_from(file, writing.header, loaded.state.clone());
        let last_slot = new.and_then(|mut new| {
            new.last_slot = loaded.carry(end, &new)?;
            new.end = carried;
            new.file.sync()?;
            Ok(new)
        });
        let new = last_slot.map_err(|e| self.not_saved(e))?;
        self.take_place(new)
    }

    /// Writes a state as a new file and puts it in the old one's place.
    pub(crate) fn rewrite(&mut self, next: Snapshot) -> Result<(), GalleryError> {
        self.compaction = None;
        let Some(Loaded { keys: Some(keys), header, .. }) = &self.loaded else { return Ok(()) };
        let written = self.write_new(&next, header.gallery, Some(keys));
        let new = written.map_err(|e| self.not_saved(e))?;
        self.take_place(new)
    }

    /// Puts a new file, which is whole and synced, in the old one's place.
    fn take_place(&mut self, mut new: Loaded) -> Result<(), GalleryError> {
        self.keep_old();
        if let Err(e) = self.source.disk.rename(NEW_FILE, GALLERY_FILE) {
            let _ = self.source.disk.remove(NEW_FILE);
            return Err(self.not_saved(e));
        }
        if let Err(e) = self.source.disk.sync_folder() {
            return Err(self.unsure(e));
        }
        new.keys = self.loaded.take().and_then(|old| old.keys);
        self.loaded = Some(new);
        Ok(())
    }

    /// A second name for the file that is about to lose its own. Where that cannot be, all the rest goes on.
    fn keep_old(&self) {
        let disk = &*self.source.disk;
        if !matches!(disk.identity(GALLERY_FILE), Ok(Some(_))) {
            return;
        }
        let free = match disk.remove(OLD_FILE) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        if let Err(e) = free.and_then(|()| disk.link(GALLERY_FILE, OLD_FILE)) {
            log::warn!("gallery {}: the state before is not kept: {e}", disk.path().display());
        }
    }

    /// Writes a new file beside the old one. What it gives has no key table yet.
    pub(crate) fn write_new(
        &self,
        state: &Snapshot,
        gallery: Id,
        keys: Option<&KeyTable>,
    ) -> io::Result<Loaded> {
        let file = self.new_file()?;
        let write = || {
            let header = self.new_header(gallery, state.generation)?;
            let mut writing = Writing::begin(&*file, &header, state, &self.key()?)?;
            while writing.step(&*file, keys)? {}
            file.sync().map(|()| writing.header)
        };
        match write() {
            Ok(header) => self.loaded_from(file, header, state.clone()),
            Err(e) => {
                // Half a file is of no use to anybody; if even this fails, the next writer does it.
                let _ = self.source.disk.remove(NEW_FILE);
                Err(e)
            }
        }
    }

    fn new_file(&self) -> io::Result<Box<dyn DiskFile>> {
        match self.source.disk.remove(NEW_FILE) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        self.source.disk.open(NEW_FILE, Purpose::Create)
    }

    fn new_header(&self, gallery: Id, generation: u64) -> io::Result<Header> {
        Ok(Header {
            dimension: self.source.dimension,
            gallery,
            snapshot: random()?,
            check: self.key()?.check(&gallery),
            generation,
            index: 0,
            chunks: 0,
            slots: self.slots,
            space: self.source.space.clone(),
        })
    }

    fn loaded_from(&self, file: Box<dyn DiskFile>, header: Header, state: Snapshot) -> io::Result<Loaded> {
        let journal_at = header.journal_at().ok_or(io::ErrorKind::FileTooLarge)?;
        let slots = SlotKeys::new(&self.key()?, header.gallery, header.snapshot, header.dimension);
        let identity = file.identity()?;
        let (tail, last_slot, findings) = Default::default();
        let (keys, end) = (None, 0);
        Ok(Loaded { file, identity, header, journal_at, keys, slots, state, end, tail, last_slot, findings })
    }
}

impl Loaded {
    /// Seals the operations from place `from` on once more, for the journal of a new file; gives the
    /// bytes of the last slot.
    fn carry(&self, from: u32, new: &Loaded) -> io::Result<Vec<u8>> {
        let mut last_slot = Vec::new();
        for place in from..self.end {
            let changed = || io::Error::other(format!("journal place {place} cannot be read any more"));
            let Some(keys) = &self.keys else { return Err(changed()) };
            let Slot::Edit { first, last, edit } = self.slot(place)? else { return Err(changed()) };
            let Lookup::Key(secret) = keys.get(edit.key) else { return Err(changed()) };
            last_slot = new.slots.seal(place - from, (first - from, last - from), &edit, secret)?;
            new.file.write_all_at(&last_slot, new.place(place - from))?;
        }
        Ok(last_slot)
    }
}
