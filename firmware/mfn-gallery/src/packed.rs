//! The packed part of `gallery.mfn`: the sealed index and a sealed chunk for each person.

use crate::bytes::Fields;
use crate::disk::DiskFile;
use crate::edit::{put_reference, take_template};
use crate::header::{Header, PAGE, damaged};
use crate::keys::{KeyTable, Lookup};
use crate::matrix::Builder;
use crate::person::{KeyPlace, Person, TemplateNotes};
use crate::seal::{Id, OVERHEAD, Secret};
use crate::snapshot::Snapshot;
use crate::{Finding, Metadata, Problem};
use mfn_template::PersonId;
use std::io;

/// Bytes before the list of people.
const INDEX_START: usize = 16;
/// Bytes of one person in the index.
const INDEX_PERSON: usize = 36;
/// Bytes written at a time: what a slow card takes within a tenth of a second. Few in this crate's own tests.
const PIECE: usize = if cfg!(test) { 8192 } else { 1 << 20 };

/// One person's line in the index.
struct Line {
    id: PersonId,
    key: KeyPlace,
    templates: u32,
    text: u32,
}

/// A new file that is being written, a piece at a time.
pub(crate) struct Writing {
    /// Of the new file.
    pub(crate) header: Header,
    snapshot: Snapshot,
    /// Whose chunk is next.
    next: usize,
    at: u64,
}

impl Writing {
    /// Writes header and index.
    pub(crate) fn begin(
        file: &dyn DiskFile,
        header: &Header,
        snapshot: &Snapshot,
        master: &Secret,
    ) -> io::Result<Writing> {
        let sizes: Vec<usize> = snapshot.people.iter().map(|p| text_len(snapshot, p)).collect();
        let index = encode_index(snapshot, &sizes)?;
        let chunks = sizes.iter().map(|len| (len + OVERHEAD) as u64).sum();
        let header = Header { index: index.len() as u64, chunks, ..header.clone() };
        let page = header.encode();
        let secret = master.derive(&header.gallery, "snapshot", &header.snapshot);
        let start = [page.as_slice(), &secret.seal(&page, &index)?].concat();
        file.write_all_at(&start, 0)?;
        Ok(Writing { header, snapshot: snapshot.clone(), next: 0, at: start.len() as u64 })
    }

    /// Writes the next piece: chunks, then the zeros of the journal. False when nothing is left.
    pub(crate) fn step(&mut self, file: &dyn DiskFile, keys: Option<&KeyTable>) -> io::Result<bool> {
        let mut piece = Vec::new();
        while piece.len() < PIECE && self.next < self.snapshot.people.len() {
            piece.extend(self.chunk(keys)?);
            self.next += 1;
        }
        if piece.is_empty() {
            let len = self.header.file_len().ok_or(io::ErrorKind::FileTooLarge)?;
            piece.resize(usize::try_from(len - self.at).unwrap_or(PIECE).min(PIECE), 0);
        }
        file.write_all_at(&piece, self.at)?;
        self.at += piece.len() as u64;
        Ok(!piece.is_empty())
    }

    /// The next person's chunk.
    fn chunk(&self, keys: Option<&KeyTable>) -> io::Result<Vec<u8>> {
        let person = &self.snapshot.people[self.next];
        let Some(Lookup::Key(secret)) = keys.map(|keys| keys.get(person.key)) else {
            return Err(io::Error::other(format!("the key of person {} is gone", person.id)));
        };
        let mut text = Vec::with_capacity(text_len(&self.snapshot, person));
        person.metadata.encode(&person.name, &mut text);
        for (note, values) in self.snapshot.references(person) {
            put_reference(&mut text, note, values);
        }
        secret.seal(&associated(&self.header.snapshot, self.next as u64), &text)
    }
}

/// Bytes of the plaintext of a person's chunk.
fn text_len(snapshot: &Snapshot, person: &Person) -> usize {
    let details = person.metadata.encoded_len(&person.name);
    details + person.templates.len() * (12 + 4 * snapshot.rows.dimension())
}

fn encode_index(snapshot: &Snapshot, sizes: &[usize]) -> io::Result<Vec<u8>> {
    let number = |n: usize| u32::try_from(n).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
    let mut index = Vec::with_capacity(INDEX_START + INDEX_PERSON * snapshot.people.len());
    index.extend(snapshot.next_id.to_le_bytes());
    index.extend(number(snapshot.people.len())?.to_le_bytes());
    index.extend(number(snapshot.erased.len())?.to_le_bytes());
    for (person, &size) in snapshot.people.iter().zip(sizes) {
        index.extend(person.id.0.to_le_bytes());
        index.extend(person.key.entry.to_le_bytes());
        index.extend(person.key.serial);
        index.extend(number(person.templates.len())?.to_le_bytes());
        index.extend(number(size)?.to_le_bytes());
    }
    index.extend(snapshot.erased.iter().flatten());
    Ok(index)
}

/// The index of a gallery: ids and lines, not yet anybody's chunk.
pub(crate) struct Index {
    next_id: u64,
    lines: Vec<Line>,
    erased: Vec<Id>,
}

impl Index {
    /// Whether the snapshot needs a key table.
    pub(crate) fn nobody_ever(&self) -> bool {
        self.lines.is_empty() && self.erased.is_empty()
    }

    /// Opens the index of a file whose length the header has been checked against.
    pub(crate) fn read(
        file: &dyn DiskFile,
        header: &Header,
        page: &[u8],
        master: &Secret,
    ) -> Result<Index, Problem> {
        let len = usize::try_from(header.index).ok().and_then(|n| n.checked_add(OVERHEAD));
        let mut sealed = vec![0; len.ok_or_else(|| damaged("impossible lengths"))?];
        file.read_all_at(&mut sealed, PAGE as u64)?;
        let secret = master.derive(&header.gallery, "snapshot", &header.snapshot);
        let text = secret.open_in_place(page, &mut sealed);
        let text = text.ok_or_else(|| damaged("the index cannot be opened"))?;
        let index = Index::decode(text).ok_or_else(|| damaged("impossible index"))?;
        let row = 12 + 4 * header.dimension as u64;
        let fits = |line: &Line| u64::from(line.templates) * row <= u64::from(line.text);
        let sum: u64 = index.lines.iter().map(|line| u64::from(line.text) + OVERHEAD as u64).sum();
        let ascends = index.lines.is_sorted_by(|a, b| a.id < b.id)
            && index.lines.last().is_none_or(|last| last.id.0 < index.next_id);
        if sum == header.chunks && ascends && index.lines.iter().all(|l| fits(l) && l.templates > 0) {
            Ok(index)
        } else {
            Err(damaged("the index contradicts itself"))
        }
    }

    fn decode(text: &[u8]) -> Option<Index> {
        let mut fields = Fields(text);
        let (next_id, people, erased) = (fields.u64()?, fields.u32()? as usize, fields.u32()? as usize);
        let wanted = people.checked_mul(INDEX_PERSON)?.checked_add(erased.checked_mul(16)?)?;
        if fields.0.len() != wanted {
            return None;
        }
        let mut line = || {
            let (id, entry, serial) = (PersonId(fields.u64()?), fields.u32()?, fields.id()?);
            let (templates, text) = (fields.u32()?, fields.u32()?);
            Some(Line { id, key: KeyPlace { entry, serial }, templates, text })
        };
        let lines = (0..people).map(|_| line()).collect::<Option<_>>()?;
        let erased = (0..erased).map(|_| fields.id()).collect::<Option<_>>()?;
        Some(Index { next_id, lines, erased })
    }

    /// Opens every chunk that can be opened; the others are findings, by serial of their keys.
    pub(crate) fn load(
        self,
        file: &dyn DiskFile,
        header: &Header,
        keys: &KeyTable,
    ) -> Result<(Snapshot, Vec<(Id, Finding)>), Problem> {
        let count = self.lines.iter().map(|line| line.templates as usize).sum();
        let mut rows = Builder::sized(header.dimension, count);
        let (mut people, mut findings) = (Vec::with_capacity(self.lines.len()), Vec::new());
        let mut at = header.chunks_at().ok_or_else(|| damaged("impossible lengths"))?;
        // One buffer for all: many of different lengths would leave holes between what stays.
        let (mut row, mut sealed, mut values) = (0, Vec::new(), Vec::new());
        for (i, line) in (0u64..).zip(&self.lines) {
            let len = line.text as usize + OVERHEAD;
            let Lookup::Key(secret) = keys.get(line.key) else {
                findings.push((line.key.serial, Finding::without_key(line.id, keys.get(line.key))));
                at += len as u64;
                continue;
            };
            sealed.resize(len, 0);
            file.read_all_at(&mut sealed, at)?;
            at += len as u64;
            let text = secret.open_in_place(&associated(&header.snapshot, i), &mut sealed);
            values.resize(line.templates as usize * header.dimension, 0.0);
            match text.and_then(|text| decode_person(line, text, &mut values, row)) {
                Some(person) => {
                    values.chunks(header.dimension).for_each(|values| rows.push(values));
                    row += person.templates.len();
                    people.push(person);
                }
                None => findings.push((line.key.serial, Finding::DamagedPerson { person: line.id })),
            }
        }
        let generation = header.generation;
        let (next_id, erased, rows) = (self.next_id, self.erased, rows.finish());
        Ok((Snapshot { generation, next_id, people, erased, rows }, findings))
    }
}

/// A person, and the values of all templates.
fn decode_person(line: &Line, text: &[u8], values: &mut [f32], first_row: usize) -> Option<Person> {
    let mut fields = Fields(text);
    let (name, metadata) = Metadata::decode(&mut fields)?;
    let dimension = values.len() / line.templates as usize;
    let notes = values.chunks_mut(dimension).map(|values| take_template(&mut fields, values));
    let templates = TemplateNotes::new(notes.collect::<Option<_>>()?)?;
    let (metadata, first_row) = (metadata.into(), u32::try_from(first_row).ok()?);
    let Line { id, key, .. } = *line;
    fields.0.is_empty().then_some(Person { id, name, metadata, templates, key, first_row })
}

fn associated(snapshot: &Id, chunk: u64) -> Vec<u8> {
    [b"chunk".as_slice(), snapshot, &chunk.to_le_bytes()].concat()
}
