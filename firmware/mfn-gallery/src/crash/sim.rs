//! A disk in memory: counts what is written, keeps live and durable bytes apart, fails on demand.

use crate::GalleryError;
use crate::disk::{Disk, DiskFile, Identity, Purpose};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// One change of the disk, in the order in which the store made them.
#[derive(Clone, Debug)]
pub enum Event {
    Create { inode: usize, name: String },
    Write { inode: usize, at: u64, bytes: Vec<u8> },
    Sync { inode: usize },
    Rename { from: String, to: String },
    Link { from: String, to: String },
    Remove { name: String },
    SyncFolder,
}

/// How a disk betrays its store: the negative controls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Betrayal {
    None,
    /// Syncs do nothing.
    NoSync,
    /// Syncs return at once and happen before the next write.
    LateSync,
}

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// Calls that still succeed.
    pub after: usize,
    /// Calls that fail then.
    pub times: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any change fails with this error number.
    Change(i32),
    /// A sync fails with this error number.
    Sync(i32),
    /// A read fails with this error number.
    Read(i32),
    /// A write takes only a part of what it is given.
    Short,
    /// A write takes a part, and the next one fails.
    Torn(i32),
}

/// Files by inode; a file that has lost its name keeps its bytes, as free blocks do.
#[derive(Clone, Default)]
pub struct Image {
    pub files: Vec<Vec<u8>>,
    pub names: BTreeMap<String, usize>,
}

struct Sim {
    image: Image,
    log: Vec<Event>,
    late: Option<usize>,
    betrayal: Betrayal,
    fault: Option<Fault>,
    /// Calls that a fault of this kind would have counted.
    counted: usize,
}

/// The disk; copies share it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<Sim>>);

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl SimDisk {
    pub fn new(image: Image, betrayal: Betrayal) -> SimDisk {
        let (log, late, fault) = Default::default();
        SimDisk(Arc::new(Mutex::new(Sim { image, log, late, betrayal, fault, counted: 0 })))
    }

    fn sim(&self) -> MutexGuard<'_, Sim> {
        self.0.lock().unwrap()
    }

    pub fn log(&self) -> Vec<Event> {
        self.sim().log.clone()
    }

    pub fn events(&self) -> usize {
        self.sim().log.len()
    }

    /// Bytes written since event `from`.
    pub fn written(&self, from: usize) -> usize {
        let bytes = |event: &Event| if let Event::Write { bytes, .. } = event { bytes.len() } else { 0 };
        self.sim().log[from..].iter().map(bytes).sum()
    }

    pub fn image(&self) -> Image {
        self.sim().image.clone()
    }

    /// Lets a test alter bytes behind the store's back.
    pub fn alter(&self, change: impl FnOnce(&mut Image)) {
        change(&mut self.sim().image);
    }

    /// Sets or clears the fault; says how many calls the last one has counted.
    pub fn set_fault(&self, fault: Option<Fault>) -> usize {
        let mut sim = self.sim();
        sim.fault = fault;
        std::mem::take(&mut sim.counted)
    }
}

impl Sim {
    /// Whether this call, which the fault is about when `hit`, fails.
    fn fails(&mut self, hit: impl Fn(Kind) -> bool) -> Option<Kind> {
        let fault = self.fault.as_mut().filter(|fault| hit(fault.kind))?;
        self.counted += 1;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        if fault.times == 0 {
            return None;
        }
        fault.times -= 1;
        Some(fault.kind)
    }

    fn change(&mut self, event: Event) -> io::Result<()> {
        if let Some(Kind::Change(error)) = self.fails(|kind| matches!(kind, Kind::Change(_))) {
            return Err(io::Error::from_raw_os_error(error));
        }
        if let Some(inode) = self.late.take() {
            self.log.push(Event::Sync { inode });
        }
        self.image.apply(&event)?;
        self.log.push(event);
        Ok(())
    }
}

impl Image {
    /// Does what an event says, on live bytes.
    pub fn apply(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Create { inode, name } => {
                self.files.resize(self.files.len().max(inode + 1), Vec::new());
                self.names.insert(name.clone(), *inode);
            }
            Event::Write { inode, at, bytes } => put(&mut self.files[*inode], *at, bytes),
            Event::Rename { from, to } => {
                let inode = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
                self.names.insert(to.clone(), inode);
            }
            Event::Link { from, to } => {
                let inode = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
                self.names.insert(to.clone(), inode);
            }
            Event::Remove { name } => {
                self.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            }
            Event::Sync { .. } | Event::SyncFolder => {}
        }
        Ok(())
    }
}

/// Writes into a file, which grows where it must.
pub fn put(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = at as usize;
    file.resize(file.len().max(at + bytes.len()), 0);
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk for SimDisk {
    fn path(&self) -> &Path {
        Path::new("simulated")
    }

    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, GalleryError> {
        Ok(Box::new(()))
    }

    fn open(&self, name: &str, purpose: Purpose) -> io::Result<Box<dyn DiskFile>> {
        let mut sim = self.sim();
        if purpose == Purpose::Create {
            if sim.image.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = sim.image.files.len();
            sim.change(Event::Create { inode, name: name.to_owned() })?;
        }
        let inode = *sim.image.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        drop(sim);
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn identity(&self, name: &str) -> io::Result<Option<Identity>> {
        Ok(self.sim().image.names.get(name).map(|&inode| (0, inode as u64)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.sim().change(Event::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.sim().change(Event::Link { from: from.to_owned(), to: to.to_owned() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut sim = self.sim();
        if !sim.image.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        sim.change(Event::Remove { name: name.to_owned() })
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut sim = self.sim();
        if let Some(Kind::Sync(error)) = sim.fails(|kind| matches!(kind, Kind::Sync(_))) {
            return Err(io::Error::from_raw_os_error(error));
        }
        if sim.betrayal != Betrayal::NoSync {
            sim.log.push(Event::SyncFolder);
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.sim().image.files[self.inode].len() as u64)
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok((0, self.inode as u64))
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut sim = self.disk.sim();
        if let Some(Kind::Read(error)) = sim.fails(|kind| matches!(kind, Kind::Read(_))) {
            return Err(io::Error::from_raw_os_error(error));
        }
        let rest = sim.image.files[self.inode].get(at as usize..).unwrap_or_default();
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let mut sim = self.disk.sim();
        let len = match sim.fails(|kind| matches!(kind, Kind::Short | Kind::Torn(_))) {
            Some(Kind::Torn(error)) => {
                // This call takes a part; the rest of it meets the error.
                let times = 1;
                sim.fault = Some(Fault { after: 0, times, kind: Kind::Change(error) });
                let part = bytes[..bytes.len().div_ceil(2)].to_vec();
                let event = Event::Write { inode: self.inode, at, bytes: part };
                sim.image.apply(&event)?;
                sim.log.push(event);
                return Ok(bytes.len().div_ceil(2));
            }
            Some(_) => bytes.len().div_ceil(2),
            None => bytes.len(),
        };
        sim.change(Event::Write { inode: self.inode, at, bytes: bytes[..len].to_vec() })?;
        Ok(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut sim = self.disk.sim();
        if let Some(Kind::Sync(error)) = sim.fails(|kind| matches!(kind, Kind::Sync(_))) {
            return Err(io::Error::from_raw_os_error(error));
        }
        match sim.betrayal {
            Betrayal::None => sim.log.push(Event::Sync { inode: self.inode }),
            Betrayal::LateSync => sim.late = Some(self.inode),
            Betrayal::NoSync => {}
        }
        Ok(())
    }
}
