//! The key table: a random key a person, two copies of each page, overwritten in place.

use crate::Problem;
use crate::bytes::Fields;
use crate::disk::{Disk, DiskFile, Purpose};
use crate::header::{MAX_COUNT, PAGE, VERSION, damaged, open_page, sealed_page};
use crate::person::KeyPlace;
use crate::seal::{Id, OVERHEAD, Secret, random};
use std::collections::{BTreeSet, HashSet};
use std::io;
use zeroize::Zeroize;

/// The table's name in the gallery's folder.
pub const KEYS_FILE: &str = "gallery.keys";
pub(crate) const NEW_FILE: &str = "gallery.keys.new";
const MAGIC: [u8; 8] = *b"MFNKEY\r\n";
/// Keys a page; few in this crate's own tests, so that the table grows often.
pub(crate) const ENTRIES: usize = if cfg!(test) { 3 } else { 84 };
const PAIR: u64 = 2 * PAGE as u64;

#[derive(Clone)]
struct Entry {
    serial: Id,
    key: Secret,
}

/// The content of one pair of pages.
#[derive(Clone)]
struct Page {
    version: u64,
    entries: [Entry; ENTRIES],
}

/// What the table has for a person.
pub(crate) enum Lookup<'a> {
    Key(&'a Secret),
    /// Another key has taken its place.
    Destroyed,
    /// Neither copy of its page can be read.
    Damaged,
}

/// The table, all of it in memory, in one block that the system takes back as a whole.
pub(crate) struct KeyTable {
    file: Box<dyn DiskFile>,
    secret: Secret,
    /// None where neither copy is sound.
    pages: Vec<Option<Page>>,
    /// Copies that are not the one that counts: pair and which of the two.
    stale: Vec<(usize, u64)>,
}

impl KeyTable {
    /// Makes a table with one pair of pages.
    pub(crate) fn create(disk: &dyn Disk, gallery: &Id, key: &Secret) -> io::Result<KeyTable> {
        match disk.remove(NEW_FILE) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let file = disk.open(NEW_FILE, Purpose::Create)?;
        let fields: [&[u8]; 5] = [&MAGIC, &VERSION.to_le_bytes(), &[0; 4], gallery, &key.check(gallery)];
        file.write_all_at(&sealed_page(&fields.concat()), 0)?;
        let secret = key.derive(gallery, "key table", &[]);
        let mut table = KeyTable { file, secret, pages: Vec::new(), stale: Vec::new() };
        table.grow(1)?;
        disk.rename(NEW_FILE, KEYS_FILE)?;
        disk.sync_folder()?;
        Ok(table)
    }

    /// Reads the table of a gallery; nothing when there is no file.
    pub(crate) fn open(
        disk: &dyn Disk,
        purpose: Purpose,
        gallery: &Id,
        key: &Secret,
    ) -> Result<Option<KeyTable>, Problem> {
        let file = match disk.open(KEYS_FILE, purpose) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let len = file.size()?;
        let mut page = vec![0; PAGE.min(usize::try_from(len).unwrap_or(PAGE))];
        file.read_all_at(&mut page, 0)?;
        let mut fields = open_page(&page, MAGIC)?;
        let ids = fields.zeros(4).and_then(|()| Some((fields.id()?, fields.id()?)));
        let (owner, check) = ids.ok_or_else(|| damaged("impossible header"))?;
        if owner != *gallery {
            return Err(Problem::OtherGallery);
        }
        if check != key.check(gallery) {
            return Err(Problem::WrongKey);
        }
        let secret = key.derive(gallery, "key table", &[]);
        let pairs = usize::try_from((len - PAGE as u64) / PAIR).unwrap_or(0);
        let mut table = KeyTable { file, secret, pages: Vec::with_capacity(pairs), stale: Vec::new() };
        for pair in 0..pairs {
            let page = table.read_pair(pair)?;
            table.pages.push(page);
        }
        Ok(Some(table))
    }

    /// The copy that counts; notes the other one where it differs.
    fn read_pair(&mut self, pair: usize) -> io::Result<Option<Page>> {
        let copies = [self.read_copy(pair, 0)?, self.read_copy(pair, 1)?];
        let versions = copies.each_ref().map(|c| c.as_ref().map(|page| page.version));
        let best = usize::from(versions[1] > versions[0]);
        if versions[0] != versions[1] {
            self.stale.push((pair, 1 - best as u64));
        }
        Ok(copies.into_iter().nth(best).flatten())
    }

    fn read_copy(&self, pair: usize, copy: u64) -> io::Result<Option<Page>> {
        let mut sealed = vec![0; PAGE];
        self.file.read_all_at(&mut sealed, place(pair, copy))?;
        // In place, so that there is one copy of the keys to wipe.
        let page = self.secret.open_in_place(&associated(pair), &mut sealed).and_then(Page::decode);
        sealed.zeroize();
        Ok(page)
    }

    fn write_copy(&self, pair: usize, copy: u64) -> io::Result<()> {
        let Some(page) = &self.pages[pair] else { return Ok(()) };
        let mut text = page.encode();
        let sealed = self.secret.seal(&associated(pair), &text);
        text.zeroize();
        self.file.write_all_at(&sealed?, place(pair, copy))
    }

    /// Copies of pages that are not sound or not the newest; the next writer mends them.
    pub(crate) fn stale_copies(&self) -> usize {
        self.stale.len()
    }

    /// How many keys have one of these serials.
    pub(crate) fn count(&self, serials: &HashSet<Id>) -> usize {
        let entries = self.pages.iter().flatten().flat_map(|page| &page.entries);
        entries.filter(|entry| serials.contains(&entry.serial)).count()
    }

    /// What the table has for a person.
    pub(crate) fn get(&self, place: KeyPlace) -> Lookup<'_> {
        let (pair, entry) = split(place.entry);
        match self.pages.get(pair) {
            None | Some(None) => Lookup::Damaged,
            Some(Some(page)) if page.entries[entry].serial == place.serial => {
                Lookup::Key(&page.entries[entry].key)
            }
            Some(Some(_)) => Lookup::Destroyed,
        }
    }

    /// Keys that nobody in `used` has; the table grows where it must.
    pub(crate) fn free(&mut self, used: &HashSet<u32>, count: usize) -> io::Result<Vec<KeyPlace>> {
        let missing = (used.len() + count).saturating_sub(ENTRIES * self.pages.iter().flatten().count());
        if missing > 0 {
            self.grow(missing.div_ceil(ENTRIES))?;
        }
        let pages = self.pages.iter().enumerate().filter_map(|(i, page)| Some((i, page.as_ref()?)));
        let places = pages.flat_map(|(i, page)| {
            page.entries
                .iter()
                .enumerate()
                .map(move |(j, entry)| KeyPlace { entry: (i * ENTRIES + j) as u32, serial: entry.serial })
        });
        Ok(places.filter(|place| !used.contains(&place.entry)).take(count).collect())
    }

    /// Gives free keys other serials, each under a fresh key; they last when this returns.
    pub(crate) fn claim(&mut self, places: &[KeyPlace], serials: &[Id]) -> io::Result<Vec<KeyPlace>> {
        let mut touched = BTreeSet::new();
        let mut claimed = Vec::with_capacity(places.len());
        for (place, &serial) in places.iter().zip(serials) {
            let (pair, entry) = split(place.entry);
            if let Some(page) = self.pages[pair].as_mut().filter(|_| place.serial != serial) {
                page.entries[entry] = Entry { serial, key: Secret::random()? };
                touched.insert(pair);
            }
            claimed.push(KeyPlace { entry: place.entry, serial });
        }
        for pair in touched {
            self.rewrite(pair)?;
        }
        Ok(claimed)
    }

    /// Writes both copies of a page one after the other, under a higher version.
    fn rewrite(&mut self, pair: usize) -> io::Result<()> {
        if let Some(page) = &mut self.pages[pair] {
            page.version += 1;
        }
        for copy in [0, 1] {
            self.write_copy(pair, copy)?;
            self.file.sync()?;
        }
        Ok(())
    }

    fn grow(&mut self, pairs: usize) -> io::Result<()> {
        let before = self.pages.len();
        // Moved by hand: a vector that grows leaves what it had behind unwiped.
        let mut pages = Vec::with_capacity(before + pairs);
        pages.extend(self.pages.iter().cloned());
        self.pages = pages;
        for _ in 0..pairs {
            self.pages.push(Some(Page::random()?));
        }
        let written = (before..self.pages.len())
            .try_for_each(|pair| self.write_copy(pair, 0).and_then(|()| self.write_copy(pair, 1)))
            .and_then(|()| self.file.sync());
        if written.is_err() {
            self.pages.truncate(before);
        }
        written
    }

    /// Makes both copies of every page equal. Pages of which no copy is sound get fresh keys: the
    /// caller has made sure that nobody needs them.
    pub(crate) fn repair(&mut self) -> io::Result<()> {
        for pair in 0..self.pages.len() {
            if self.pages[pair].is_none() {
                self.pages[pair] = Some(Page::random()?);
                self.stale.extend([(pair, 0), (pair, 1)]);
            }
        }
        for (pair, copy) in std::mem::take(&mut self.stale) {
            self.write_copy(pair, copy)?;
            self.file.sync()?;
        }
        Ok(())
    }

    /// Puts fresh keys over all that have one of these serials, in both copies.
    pub(crate) fn destroy(&mut self, serials: &HashSet<Id>) -> io::Result<()> {
        for pair in 0..self.pages.len() {
            let Some(page) = &mut self.pages[pair] else { continue };
            let mut found = false;
            for entry in page.entries.iter_mut().filter(|entry| serials.contains(&entry.serial)) {
                *entry = Entry::random()?;
                found = true;
            }
            if found {
                self.rewrite(pair)?;
            }
        }
        Ok(())
    }
}

impl Entry {
    fn random() -> io::Result<Entry> {
        Ok(Entry { serial: random()?, key: Secret::random()? })
    }
}

impl Page {
    fn new(version: u64) -> Page {
        let entries = std::array::from_fn(|_| Entry { serial: [0; 16], key: Secret([0; 32]) });
        Page { version, entries }
    }

    fn random() -> io::Result<Page> {
        let mut page = Page::new(1);
        page.entries.iter_mut().try_for_each(|entry| Entry::random().map(|new| *entry = new))?;
        Ok(page)
    }

    fn encode(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(PAGE - OVERHEAD);
        text.extend(self.version.to_le_bytes());
        text.extend([0; 8]);
        for entry in &self.entries {
            text.extend(entry.serial);
            text.extend(entry.key.0);
        }
        text.resize(PAGE - OVERHEAD, 0);
        text
    }

    fn decode(text: &[u8]) -> Option<Page> {
        let mut fields = Fields(text);
        // No table is written so often; a count that could not go up any more would keep old keys.
        let mut page = Page::new(fields.u64().filter(|&version| version <= MAX_COUNT)?);
        fields.zeros(8)?;
        for entry in &mut page.entries {
            *entry = Entry { serial: fields.id()?, key: Secret(fields.array()?) };
        }
        Some(page)
    }
}

fn place(pair: usize, copy: u64) -> u64 {
    PAGE as u64 + pair as u64 * PAIR + copy * PAGE as u64
}

fn split(entry: u32) -> (usize, usize) {
    (entry as usize / ENTRIES, entry as usize % ENTRIES)
}

fn associated(pair: usize) -> Vec<u8> {
    [b"keys".as_slice(), &(pair as u32).to_le_bytes()].concat()
}
