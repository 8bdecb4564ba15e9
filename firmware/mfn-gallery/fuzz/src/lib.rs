//! What the fuzz targets share: a disk in memory, a small gallery on it, and what must hold whatever
//! the bytes. Built with `--cfg fuzzing`, the gallery neither seals nor checks tags and checksums, since
//! a fuzzer cannot make them: it reaches everything that lies behind them.

use mfn_gallery::{
    Access, Cost, Disk, DiskFile, EnrolTemplate, FileGallery, Finding, Gallery, GalleryError, GalleryKey,
    Identity, Passphrase, Purpose,
};
use mfn_template::{PersonId, Template, TemplateSpace};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::UNIX_EPOCH;

/// Values a template.
pub const DIMENSION: usize = 4;
/// Slots of the journal.
pub const SLOTS: u32 = 4;

type Bytes = Arc<Mutex<Vec<u8>>>;

/// A folder in memory; copies share it.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<String, Bytes>>>);

struct MemoryFile(Bytes);

impl Memory {
    /// A folder with these files.
    pub fn with(files: &[(&str, Vec<u8>)]) -> Memory {
        let file =
            |(name, bytes): &(&str, Vec<u8>)| ((*name).to_owned(), Arc::new(Mutex::new(bytes.clone())));
        Memory(Arc::new(Mutex::new(files.iter().map(file).collect())))
    }

    /// The bytes of a file.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.lock().unwrap()[name].lock().unwrap().clone()
    }
}

impl Disk for Memory {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, GalleryError> {
        Ok(Box::new(()))
    }

    fn open(&self, name: &str, purpose: Purpose) -> io::Result<Box<dyn DiskFile>> {
        let mut files = self.0.lock().unwrap();
        if purpose == Purpose::Create {
            files.insert(name.to_owned(), Bytes::default());
        }
        let file = files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile(Arc::clone(file))))
    }

    fn identity(&self, name: &str) -> io::Result<Option<Identity>> {
        Ok(self.0.lock().unwrap().get(name).map(|file| (0, Arc::as_ptr(file) as u64)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let file = Arc::clone(files.get(from).ok_or(io::ErrorKind::NotFound)?);
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok((0, Arc::as_ptr(&self.0) as u64))
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let file = self.0.lock().unwrap();
        let rest = usize::try_from(at).ok().and_then(|at| file.get(at..)).unwrap_or_default();
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let (mut file, at) = (self.0.lock().unwrap(), at as usize);
        let len = file.len().max(at + bytes.len());
        file.resize(len, 0);
        file[at..][..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a gallery on a disk.
pub fn open(disk: &Memory, access: Access) -> Result<FileGallery, GalleryError> {
    let (space, key) = (TemplateSpace::new("fuzz").unwrap(), GalleryKey::from_bytes(&[7; 32]));
    FileGallery::open_on(Box::new(disk.clone()), &space, DIMENSION, access, &key, SLOTS)
}

/// A template to enrol.
pub fn reference(n: u8) -> EnrolTemplate {
    let values = [f32::from(n), 1.0, -2.0, 0.5];
    EnrolTemplate { template: Template::normalise(&values).unwrap(), quality: 0.5, taken: UNIX_EPOCH }
}

/// Ann and Ben in the snapshot (two templates, one), Eve and a new name for Ben in the journal.
pub fn base() -> Memory {
    let disk = Memory::default();
    let mut gallery = open(&disk, Access::Write).unwrap();
    gallery.enrol(&"Ann".parse().unwrap(), &[reference(1), reference(2)]).unwrap();
    gallery.enrol(&"Ben".parse().unwrap(), &[reference(3)]).unwrap();
    gallery.compact().unwrap();
    gallery.enrol(&"Eve".parse().unwrap(), &[reference(4)]).unwrap();
    gallery.rename(PersonId(2), &"Benjamin".parse().unwrap()).unwrap();
    disk
}

/// Opens, asks, changes, compacts and opens again: errors are fine, anything else that is wrong panics.
pub fn exercise(disk: &Memory) {
    let Ok(mut gallery) = open(disk, Access::Write) else { return };
    ask(&gallery);
    let damaged = gallery.findings().iter().any(Finding::is_damage);
    let enrolled = gallery.enrol(&"Somebody new".parse().unwrap(), &[reference(9)]);
    assert!(enrolled.is_err() || !damaged, "a damaged gallery was changed");
    let Ok(id) = enrolled else { return };
    let people = gallery.people().to_vec();
    if let Some(first) = people.first().filter(|first| first.id != id) {
        match gallery.remove(first.id) {
            Err(GalleryError::NotSaved { .. }) => return,
            removed => removed.unwrap(),
        }
    }
    let people = gallery.people().to_vec();
    drop(gallery);
    let mut gallery = open(disk, Access::Write).unwrap();
    assert_eq!(gallery.people(), people);
    gallery.compact().unwrap();
    assert!(gallery.person(id).is_some());
}

fn ask(gallery: &FileGallery) {
    let found = gallery.search(&reference(9).template, 3).0;
    assert!(found.len() <= gallery.people().len().min(3));
    assert!(found.iter().all(|c| (-1.0..=1.0).contains(&c.similarity)));
}

/// A backup of [`base`], at the least cost.
pub fn backup() -> Vec<u8> {
    let passphrase = Passphrase::new("correct horse battery".to_owned()).unwrap();
    let (mut file, cost) = (Vec::new(), Cost { memory_kib: 8, passes: 1, lanes: 1 });
    open(&base(), Access::Read).unwrap().export(&mut file, &passphrase, cost).unwrap();
    file
}

/// The header of a backup.
pub fn backup_header() -> Vec<u8> {
    static HEADER: LazyLock<Vec<u8>> = LazyLock::new(|| backup()[..64].to_vec());
    HEADER.clone()
}
