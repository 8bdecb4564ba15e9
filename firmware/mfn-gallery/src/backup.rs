//! Backup files: the people of a gallery under a passphrase, as `FORMAT.md` says. What it is to read
//! one into a gallery is in `import.rs`.

use crate::bytes::{Fields, put_text};
use crate::edit::{Reference, put_reference, take_reference};
use crate::passphrase::{Cost, Passphrase};
use crate::seal::{Id, OVERHEAD, Secret, random};
use crate::snapshot::Snapshot;
use crate::{Metadata, PersonName};
use mfn_template::{PersonId, TemplateSpace};
use std::collections::HashSet;
use std::io::{self, Read, Write};

const MAGIC: [u8; 8] = *b"MFNEXP\r\n";
const VERSION: u32 = 1;
const HEADER: usize = 64;
/// Longest text of a record: a template of the largest dimension, or the longest details, fit well.
const MAX_TEXT: usize = 4096;
/// Erased ids a record.
const IDS: usize = 128;

/// Why a backup was not made or is not read. A gallery is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Of the file that is written or read.
    #[error("the backup cannot be written or read: {0}")]
    Io(#[from] io::Error),
    /// Too short or too long.
    #[error(
        "a passphrase needs {} characters and at most {} bytes",
        Passphrase::MIN_CHARACTERS,
        Passphrase::MAX_BYTES
    )]
    Passphrase,
    /// Another kind of file.
    #[error("this is not a backup of a gallery (its first bytes are others)")]
    NotABackup,
    /// Made by another release.
    #[error(
        "the backup has format version {0}, this program reads version {VERSION}: use the release that wrote it"
    )]
    UnknownVersion(u32),
    /// A hostile or broken file.
    #[error("the backup asks for {} KiB of memory, {} passes and {} lanes to try its passphrase, which is refused: it is damaged or hostile", .0.memory_kib, .0.passes, .0.lanes)]
    Cost(Cost),
    /// The key check does not fit.
    #[error("this is not the backup's passphrase (or the first {HEADER} bytes of the file are damaged)")]
    WrongPassphrase,
    /// Truncated or altered.
    #[error("the backup is damaged ({0}); nothing was read from it")]
    Damaged(String),
}

fn damaged(what: &str) -> BackupError {
    BackupError::Damaged(what.to_owned())
}

/// One person of a backup.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackupPerson {
    pub(crate) id: PersonId,
    pub(crate) serial: Id,
    pub(crate) name: PersonName,
    pub(crate) metadata: Metadata,
    pub(crate) references: Vec<Reference>,
}

/// A backup that was read and verified as a whole.
#[derive(Debug)]
pub struct Backup {
    pub(crate) space: TemplateSpace,
    pub(crate) dimension: usize,
    pub(crate) generation: u64,
    pub(crate) next_id: u64,
    pub(crate) people: Vec<BackupPerson>,
    pub(crate) erased: Vec<Id>,
}

/// Writes a backup.
pub(crate) fn write(
    out: &mut dyn Write,
    state: &Snapshot,
    space: &TemplateSpace,
    passphrase: &Passphrase,
    cost: Cost,
) -> Result<(), BackupError> {
    let mut out = Records::begin(out, passphrase, cost)?;
    out.put(1, &head(state, space))?;
    for ids in state.erased.chunks(IDS) {
        out.put(2, &ids.concat())?;
    }
    for person in &*state.people {
        let mut text = person.id.0.to_le_bytes().to_vec();
        text.extend(person.key.serial);
        text.extend((person.templates.len() as u32).to_le_bytes());
        person.metadata.encode(&person.name, &mut text);
        out.put(3, &text)?;
        for (note, values) in state.references(person) {
            let mut text = Vec::new();
            put_reference(&mut text, note, values);
            out.put(4, &text)?;
        }
    }
    out.put(5, &[])?;
    Ok(out.out.flush()?)
}

fn head(state: &Snapshot, space: &TemplateSpace) -> Vec<u8> {
    let mut text = Vec::new();
    text.extend(state.generation.to_le_bytes());
    text.extend(state.next_id.to_le_bytes());
    text.extend((state.rows.dimension() as u32).to_le_bytes());
    text.extend((state.people.len() as u32).to_le_bytes());
    text.extend((state.erased.len() as u32).to_le_bytes());
    put_text(&mut text, space.as_str());
    text
}

/// The writing side of a backup's records.
struct Records<'a> {
    out: &'a mut dyn Write,
    key: Secret,
    header: [u8; HEADER],
    number: u64,
}

impl<'a> Records<'a> {
    fn begin(
        out: &'a mut dyn Write,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<Records<'a>, BackupError> {
        let salt = random()?;
        let master = cost.key(passphrase, &salt)?;
        let mut header = [0; HEADER];
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &VERSION.to_le_bytes(),
            &cost.memory_kib.to_le_bytes(),
            &cost.passes.to_le_bytes(),
            &cost.lanes.to_le_bytes(),
            &salt,
            &master.check(&salt),
        ];
        let fields = fields.concat();
        header[..fields.len()].copy_from_slice(&fields);
        out.write_all(&header)?;
        Ok(Records { out, key: master.derive(&salt, "backup", &[]), header, number: 0 })
    }

    fn put(&mut self, kind: u8, text: &[u8]) -> io::Result<()> {
        let text = [&[kind], text].concat();
        let sealed = self.key.seal(&associated(&self.header, self.number), &text)?;
        self.number += 1;
        self.out.write_all(&(text.len() as u32).to_le_bytes())?;
        self.out.write_all(&sealed)
    }
}

fn associated(header: &[u8; HEADER], number: u64) -> Vec<u8> {
    [header.as_slice(), &number.to_le_bytes()].concat()
}

/// The reading side.
struct Opened<R> {
    input: R,
    key: Secret,
    header: [u8; HEADER],
    number: u64,
}

impl Backup {
    /// Reads a backup of any bytes. The whole file is verified; memory is in proportion to it.
    ///
    /// # Errors
    /// It is none, is damaged or incomplete, or the passphrase is another.
    pub fn read(input: impl Read, passphrase: &Passphrase) -> Result<Backup, BackupError> {
        let mut records = Opened::begin(io::BufReader::new(input), passphrase)?;
        let (mut backup, people, erased) = records.head()?;
        let mut names = HashSet::new();
        loop {
            let (kind, text) = records.next()?;
            let taken = match kind {
                2 => backup.take_erased(&text),
                3 => backup.take_person(&text, &mut records).transpose()?,
                5 if text.is_empty() => break,
                _ => None,
            };
            taken.ok_or_else(|| damaged("impossible record"))?;
            if kind == 3 && !names.insert(backup.people.last().map(|p| p.name.clone())) {
                return Err(damaged("two people of one name"));
            }
        }
        if records.input.read(&mut [0])? != 0 {
            return Err(damaged("something follows its end"));
        }
        let complete = backup.people.len() == people && backup.erased.len() == erased;
        if complete { Ok(backup) } else { Err(damaged("it contradicts itself")) }
    }

    /// The networks whose templates it holds.
    #[must_use]
    pub fn space(&self) -> &TemplateSpace {
        &self.space
    }

    /// People in it.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// The generation of the gallery that it was made of.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn take_erased(&mut self, text: &[u8]) -> Option<()> {
        let (ids, rest) = text.as_chunks::<16>();
        self.erased.extend(ids);
        (rest.is_empty() && !ids.is_empty() && self.people.is_empty()).then_some(())
    }

    /// A person with the templates that follow.
    fn take_person<R: Read>(
        &mut self,
        text: &[u8],
        records: &mut Opened<R>,
    ) -> Option<Result<(), BackupError>> {
        let mut fields = Fields(text);
        let (id, serial, count) = (PersonId(fields.u64()?), fields.id()?, fields.u32()?);
        let (name, metadata) = Metadata::decode(&mut fields)?;
        let ascends = self.people.last().is_none_or(|last| last.id < id) && id.0 < self.next_id;
        if !ascends || count == 0 || !fields.0.is_empty() {
            return None;
        }
        let mut references = Vec::new();
        for _ in 0..count {
            let (kind, text) = match records.next() {
                Ok(record) => record,
                Err(e) => return Some(Err(e)),
            };
            let mut fields = Fields(&text);
            let reference = take_reference(&mut fields, self.dimension)?;
            if kind != 4 || !fields.0.is_empty() {
                return None;
            }
            references.push(reference);
        }
        self.people.push(BackupPerson { id, serial, name, metadata, references });
        Some(Ok(()))
    }
}

impl<R: Read> Opened<R> {
    fn begin(mut input: R, passphrase: &Passphrase) -> Result<Opened<R>, BackupError> {
        let mut header = Vec::new();
        input.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
        let mut fields = Fields(&header);
        if fields.array() != Some(MAGIC) {
            return Err(BackupError::NotABackup);
        }
        let short = || damaged("it ends within its header");
        match fields.u32().ok_or_else(short)? {
            VERSION => {}
            other => return Err(BackupError::UnknownVersion(other)),
        }
        let parsed = (|| {
            let cost = Cost { memory_kib: fields.u32()?, passes: fields.u32()?, lanes: fields.u32()? };
            Some((cost, fields.id()?, fields.id()?, fields.zeros(8)?))
        })();
        let (cost, salt, check, ()) = parsed.ok_or_else(short)?;
        let master = cost.key(passphrase, &salt)?;
        if master.check(&salt) != check {
            return Err(BackupError::WrongPassphrase);
        }
        let key = master.derive(&salt, "backup", &[]);
        let header = header.try_into().map_err(|_| short())?;
        Ok(Opened { input, key, header, number: 0 })
    }

    /// Kind and text of the next record.
    fn next(&mut self) -> Result<(u8, Vec<u8>), BackupError> {
        let mut len = [0; 4];
        self.fill(&mut len)?;
        let len = u32::from_le_bytes(len) as usize;
        if !(1..=MAX_TEXT).contains(&len) {
            return Err(damaged("a record of impossible length"));
        }
        let mut sealed = vec![0; len + OVERHEAD];
        self.fill(&mut sealed)?;
        let text = self.key.open(&associated(&self.header, self.number), &sealed);
        let mut text = text.ok_or_else(|| BackupError::Damaged(format!("record {}", self.number)))?;
        self.number += 1;
        let kind = text.remove(0);
        Ok((kind, text))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.input.read_exact(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
            _ => e.into(),
        })
    }

    /// An empty backup, and how many people and erased ids are to follow.
    fn head(&mut self) -> Result<(Backup, usize, usize), BackupError> {
        let (kind, text) = self.next()?;
        let mut fields = Fields(&text);
        let parsed = (|| {
            let (generation, next_id) = (fields.u64()?, fields.u64()?);
            let dimension = fields.u32().filter(|d| (1..=crate::header::MAX_DIMENSION).contains(d))? as usize;
            let (people, erased) = (fields.u32()? as usize, fields.u32()? as usize);
            let space = TemplateSpace::new(fields.text()?).ok()?;
            let (list, ids) = (Vec::new(), Vec::new());
            let backup = Backup { space, dimension, generation, next_id, people: list, erased: ids };
            (kind == 1 && fields.0.is_empty()).then_some((backup, people, erased))
        })();
        parsed.ok_or_else(|| damaged("impossible head"))
    }
}
