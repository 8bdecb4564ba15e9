//! Looking at a gallery without a recogniser and without changing anything: what it is, whether all of
//! it is sound, and what a change of format or model asks for.

use crate::disk::{Disk, Folder, Purpose};
use crate::header::{Header, VERSION};
use crate::key::GalleryKey;
use crate::load::{self, GALLERY_FILE, KeySource, Loaded, OLD_FILE, Source};
use crate::seal::Id;
use crate::{Finding, GalleryError, KEYS_FILE, Person, Problem};
use mfn_template::TemplateSpace;
use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a gallery's header says; reading it needs no key.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Version of the format.
    pub version: u32,
    /// The networks whose templates it holds.
    pub space: TemplateSpace,
    /// Values a template.
    pub dimension: usize,
}

/// Something that is no damage and that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    /// A torn write to the key table.
    #[error("{0} copies of key pages are torn or old; their twins are sound, and the next writer mends them")]
    StaleKeys(usize),
    /// The power failed within a removal.
    #[error("{0} keys of removed people are not destroyed yet; the next writer does it")]
    UnfinishedErasure(usize),
    /// The power failed within a compaction.
    #[error("{0} is left over from a compaction that was cut off; the next writer replaces it")]
    LeftOver(&'static str),
    /// Others may read or change it.
    #[error("{name} may be read or written by others (mode {mode:o}): chmod go= it")]
    Open {
        /// The file, or `.` for the folder.
        name: &'static str,
        /// Its permission bits.
        mode: u32,
    },
}

/// What [`Check::of`] has verified: every tag, length and place of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Version, template space, dimension.
    pub description: Description,
    /// Changes ever made.
    pub generation: u64,
    /// People who can be read.
    pub people: usize,
    /// Their templates.
    pub templates: usize,
    /// Length of the erasure list.
    pub erased: usize,
    /// Slots of the journal that are in use, and all of them.
    pub journal: (u32, u32),
    /// What was dropped, left out or damaged.
    pub findings: Vec<Finding>,
    /// What is no damage.
    pub remarks: Vec<Remark>,
}

impl Description {
    /// Describes the gallery in a folder; nothing when there is none.
    ///
    /// # Errors
    /// The file cannot be read, is none, is damaged, or of another version (which the error names).
    pub fn of(dir: &Path) -> Result<Option<Description>, GalleryError> {
        let disk = Folder::new(dir);
        Description::on(&disk).map_err(|problem| unusable(&disk, problem))
    }

    /// Of the file before the last compaction where the present one is lost.
    fn on(disk: &dyn Disk) -> Result<Option<Description>, Problem> {
        match (Description::read(disk, GALLERY_FILE), Description::read(disk, OLD_FILE)) {
            (Err(problem), Ok(Some(old))) if problem.is_loss() => Ok(Some(old)),
            (Ok(None), Ok(Some(old))) => Ok(Some(old)),
            (found, _) => found,
        }
    }

    fn read(disk: &dyn Disk, name: &str) -> Result<Option<Description>, Problem> {
        let Some(file) = load::open(disk, name, Purpose::Read)? else { return Ok(None) };
        let Header { space, dimension, .. } = Header::read(&*file)?.0;
        Ok(Some(Description { version: VERSION, space, dimension }))
    }
}

impl Check {
    /// Verifies the gallery in a folder, whatever network it belongs to, also while another process
    /// writes; changes nothing. Nothing when there is no gallery.
    ///
    /// # Errors
    /// When nothing of it can be used.
    pub fn of(dir: &Path, key: &GalleryKey) -> Result<Option<Check>, GalleryError> {
        let mut check = Check::on(Box::new(Folder::new(dir)), key)?;
        if let Some(check) = &mut check {
            check.remarks.extend(open_to_others(dir));
        }
        Ok(check)
    }

    /// As [`Check::of`], on any disk; permissions are not looked at.
    ///
    /// # Errors
    /// The same.
    pub fn on(disk: Box<dyn Disk>, key: &GalleryKey) -> Result<Option<Check>, GalleryError> {
        let Some((source, loaded)) = as_it_is(disk, key)? else { return Ok(None) };
        let state = &loaded.state;
        Ok(Some(Check {
            description: Description {
                version: VERSION,
                space: source.space.clone(),
                dimension: source.dimension,
            },
            generation: state.generation,
            people: state.people.len(),
            templates: state.rows.count(),
            erased: state.erased.len(),
            journal: (loaded.end, loaded.header.slots),
            remarks: remarks(&source, &loaded),
            findings: loaded.findings,
        }))
    }

    /// Whether nothing that was acknowledged is lost or altered.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.findings.iter().any(Finding::is_damage)
    }
}

/// What a change of the format or of the model asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Migration {
    /// There is no gallery.
    Nothing,
    /// Format and model are the present ones. No older format is read (version 1 was never released).
    Current(Description),
    /// Templates of one network cannot be converted into another's: these people have to be enrolled
    /// again, in a new folder; the old gallery stays as it is.
    Reenrol {
        /// Whose templates these are.
        found: Description,
        /// Everybody in it.
        people: Vec<Person>,
    },
}

impl Migration {
    /// Finds out what has to be done for a recogniser; changes nothing.
    ///
    /// # Errors
    /// As [`Check::of`]; a version that is not read is named.
    pub fn of(
        dir: &Path,
        key: &GalleryKey,
        space: &TemplateSpace,
        dimension: usize,
    ) -> Result<Migration, GalleryError> {
        let Some(found) = Description::of(dir)? else { return Ok(Migration::Nothing) };
        if (&found.space, found.dimension) == (space, dimension) {
            return Ok(Migration::Current(found));
        }
        let loaded = as_it_is(Box::new(Folder::new(dir)), key)?;
        let people = loaded.map_or_else(Vec::new, |(_, loaded)| loaded.state.people.to_vec());
        Ok(Migration::Reenrol { found, people })
    }
}

/// Reads a gallery for the network that it says it belongs to.
fn as_it_is(disk: Box<dyn Disk>, key: &GalleryKey) -> Result<Option<(Source, Loaded)>, GalleryError> {
    let found = Description::on(&*disk).map_err(|problem| unusable(&*disk, problem))?;
    let Some(Description { space, dimension, .. }) = found else { return Ok(None) };
    let key = KeySource::Known(key.0.clone());
    let source = Source { disk, key, space, dimension, purpose: Purpose::Read };
    match source.load_or_old() {
        Ok(loaded) => Ok(loaded.map(|loaded| (source, loaded))),
        Err(problem) => Err(unusable(&*source.disk, problem)),
    }
}

fn unusable(disk: &dyn Disk, problem: Problem) -> GalleryError {
    GalleryError::Unusable { path: disk.path().join(GALLERY_FILE), problem }
}

fn remarks(source: &Source, loaded: &Loaded) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(keys) = &loaded.keys {
        let erased: HashSet<Id> = loaded.state.erased.iter().copied().collect();
        let (stale, unfinished) = (keys.stale_copies(), keys.count(&erased));
        remarks.extend((stale > 0).then_some(Remark::StaleKeys(stale)));
        remarks.extend((unfinished > 0).then_some(Remark::UnfinishedErasure(unfinished)));
    }
    let left = |name: &&'static str| matches!(source.disk.identity(name), Ok(Some(_)));
    remarks.extend(
        [crate::compaction::NEW_FILE, crate::keys::NEW_FILE].into_iter().filter(left).map(Remark::LeftOver),
    );
    remarks
}

fn open_to_others(dir: &Path) -> Vec<Remark> {
    let remark = |name: &'static str| {
        let mode = dir.join(name).symlink_metadata().ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then_some(Remark::Open { name, mode })
    };
    [".", GALLERY_FILE, KEYS_FILE].into_iter().filter_map(remark).collect()
}
