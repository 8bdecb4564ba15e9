//! The snapshot's bytes, as `FORMAT.md` lays them down. Reads and writes streams, not files.

use crate::compact::Compact;
use crate::rows::Rows;
use crate::snapshot::Snapshot;
use crate::{Person, PersonName, Problem, TemplateNote};
use mfn_kernels::Kernels;
use mfn_template::{PersonId, TemplateSpace};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// The version that is written and read.
pub(crate) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"MFNGAL\r\n";
const HEADER: usize = 128;
const SPACE_AT: usize = 48;
const SPACE_ROOM: usize = 64;
const NOTE: usize = 16;
const DIGEST: usize = 32;
const MAX_DIMENSION: u32 = 65_536;
/// How far from 1 the length of a template may be: f32 rounding stays below a hundredth of this.
pub(crate) const LENGTH_TOLERANCE: f32 = 1e-3;
/// Values that are converted at a time, so that a large gallery is not held twice.
const CHUNK: usize = 16_384;

/// Writes a snapshot with its checksum.
pub(crate) fn write(snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
    let mut out = Hashed { stream: out, digest: Sha256::new() };
    let people = encode_people(&snapshot.people);
    out.write_all(&encode_header(snapshot, people.len())?)?;
    let mut bytes = Vec::with_capacity(4 * CHUNK);
    for values in snapshot.rows.values().chunks(CHUNK) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        out.write_all(&bytes)?;
    }
    for note in snapshot.people.iter().flat_map(|p| &p.templates) {
        out.write_all(&note.taken_unix.to_le_bytes())?;
        out.write_all(&note.quality.to_le_bytes())?;
        out.write_all(&[0; 4])?;
    }
    out.write_all(&people)?;
    let digest = out.digest.finalize();
    out.stream.write_all(&digest)
}

fn encode_header(snapshot: &Snapshot, people_len: usize) -> io::Result<[u8; HEADER]> {
    let number = |n: usize| u32::try_from(n).map_err(|_| io::ErrorKind::FileTooLarge);
    let space = snapshot.space.as_str().as_bytes();
    let mut header = [0; HEADER];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &MAGIC);
    put(8, &VERSION.to_le_bytes());
    put(12, &number(snapshot.rows.dimension())?.to_le_bytes());
    put(16, &snapshot.generation.to_le_bytes());
    put(24, &snapshot.next_id.to_le_bytes());
    put(32, &number(snapshot.rows.count())?.to_le_bytes());
    put(36, &number(snapshot.people.len())?.to_le_bytes());
    put(40, &number(people_len)?.to_le_bytes());
    put(44, &number(space.len())?.to_le_bytes());
    put(SPACE_AT, space);
    Ok(header)
}

fn encode_people(people: &[Person]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for person in people {
        let name = person.name.as_str().as_bytes();
        bytes.extend(person.id.0.to_le_bytes());
        bytes.extend((person.templates.len() as u32).to_le_bytes());
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend(name);
    }
    bytes
}

/// Reads a snapshot of `len` bytes. Nothing is allocated that those bytes do not fill.
pub(crate) fn read(
    input: &mut impl Read,
    len: u64,
    space: &TemplateSpace,
    dimension: usize,
) -> Result<Snapshot, Problem> {
    let mut input = Hashed { stream: input, digest: Sha256::new() };
    let header = Header::read(&mut input, len)?;
    let mut rows = Rows::zeroed(header.dimension, header.templates);
    let mut bytes = vec![0; 4 * CHUNK.min(header.dimension * header.templates)];
    for values in rows.values_mut().chunks_mut(CHUNK) {
        let bytes = &mut bytes[..4 * values.len()];
        input.read_exact(bytes)?;
        let quads = bytes.as_chunks::<4>().0;
        values.iter_mut().zip(quads).for_each(|(v, quad)| *v = f32::from_le_bytes(*quad));
    }
    let mut notes = vec![0; NOTE * header.templates];
    input.read_exact(&mut notes)?;
    let mut people = vec![0; header.people_len];
    input.read_exact(&mut people)?;
    let mut digest = [0; DIGEST];
    input.stream.read_exact(&mut digest)?;
    if input.digest.finalize().as_slice() != digest {
        return Err(damaged("the checksum does not fit"));
    }
    header.check_space(space, dimension)?;
    check_rows(&rows)?;
    let people = parse_people(&people, &parse_notes(&notes)?, &header)?;
    let Header { generation, next_id, .. } = header;
    let compact = Compact::if_large(&rows);
    Ok(Snapshot { space: space.clone(), generation, next_id, people, rows: Arc::new(rows), compact })
}

/// The header, with its lengths checked against the file's.
struct Header {
    dimension: usize,
    generation: u64,
    next_id: u64,
    templates: usize,
    people: usize,
    people_len: usize,
    space: Result<TemplateSpace, Problem>,
}

impl Header {
    fn read(input: &mut impl Read, len: u64) -> Result<Header, Problem> {
        if len == 0 {
            return Err(Problem::Empty);
        }
        let mut bytes = [0; HEADER];
        let start = usize::try_from(len).unwrap_or(HEADER).min(HEADER);
        input.read_exact(&mut bytes[..start])?;
        if !bytes.starts_with(&MAGIC) {
            return Err(Problem::NotAGallery);
        }
        match u32_at(&bytes, 8) {
            _ if start < HEADER => return Err(damaged("it ends within the header")),
            VERSION => {}
            other => return Err(Problem::UnknownVersion(other)),
        }
        let (dimension, templates, people_len) = (u32_at(&bytes, 12), u32_at(&bytes, 32), u32_at(&bytes, 40));
        if !(1..=MAX_DIMENSION).contains(&dimension) {
            return Err(damaged("impossible dimension"));
        }
        let row = 4 * u64::from(dimension) + NOTE as u64;
        let wanted = (HEADER + DIGEST) as u64 + u64::from(people_len) + row * u64::from(templates);
        if len != wanted {
            return Err(damaged(&format!("{len} bytes, the header says {wanted}")));
        }
        Ok(Header {
            dimension: dimension as usize,
            generation: u64_at(&bytes, 16),
            next_id: u64_at(&bytes, 24),
            templates: templates as usize,
            people: u32_at(&bytes, 36) as usize,
            people_len: people_len as usize,
            space: parse_space(&bytes),
        })
    }

    fn check_space(&self, space: &TemplateSpace, dimension: usize) -> Result<(), Problem> {
        match &self.space {
            Err(_) => Err(damaged("impossible template space")),
            Ok(found) if found != space => {
                Err(Problem::WrongSpace { found: found.clone(), wanted: space.clone() })
            }
            Ok(_) if self.dimension != dimension => {
                Err(Problem::WrongDimension { found: self.dimension, wanted: dimension })
            }
            Ok(_) => Ok(()),
        }
    }
}

fn parse_space(header: &[u8; HEADER]) -> Result<TemplateSpace, Problem> {
    let len = u32_at(header, 44) as usize;
    let bad = || damaged("impossible template space");
    let name = header[SPACE_AT..SPACE_AT + SPACE_ROOM].get(..len).ok_or_else(bad)?;
    if header[SPACE_AT + len..].iter().any(|&b| b != 0) {
        return Err(bad());
    }
    TemplateSpace::new(std::str::from_utf8(name).map_err(|_| bad())?).map_err(|_| bad())
}

/// The checksum is no proof of who wrote the file: a row without a sound length would spoil every
/// comparison with it.
fn check_rows(rows: &Rows) -> Result<(), Problem> {
    let kernels = Kernels::detect();
    let sound = |row: &[f32]| (kernels.dot_f32(row, row).sqrt() - 1.0).abs() <= LENGTH_TOLERANCE;
    match rows.values().chunks_exact(rows.dimension()).position(|row| !sound(row)) {
        Some(row) => Err(damaged(&format!("template {row} is not of length 1"))),
        None => Ok(()),
    }
}

fn parse_notes(bytes: &[u8]) -> Result<Vec<TemplateNote>, Problem> {
    let note = |note: &[u8; NOTE]| {
        let quality = f32::from_bits(u32_at(note, 8));
        let sound = (0.0..=1.0).contains(&quality) && u32_at(note, 12) == 0;
        let note = TemplateNote { taken_unix: u64_at(note, 0), quality };
        sound.then_some(note).ok_or_else(|| damaged("impossible template record"))
    };
    bytes.as_chunks::<NOTE>().0.iter().map(note).collect()
}

fn parse_people(bytes: &[u8], notes: &[TemplateNote], header: &Header) -> Result<Vec<Person>, Problem> {
    let mut rest = bytes;
    let (mut people, mut names): (Vec<Person>, HashSet<&str>) = Default::default();
    let mut first_row = 0;
    while !rest.is_empty() {
        let record = take_person(&mut rest).ok_or_else(|| damaged("impossible person record"))?;
        let end = first_row + record.templates;
        let templates = notes.get(first_row..end).ok_or_else(|| damaged("too few templates"))?.to_vec();
        let ascends = people.last().is_none_or(|last| last.id < record.id) && record.id.0 < header.next_id;
        if templates.is_empty() || !ascends || !names.insert(record.name) {
            return Err(damaged(&format!("person {} contradicts the others", record.id)));
        }
        let name = PersonName::new(record.name).map_err(|_| damaged("a name that is not allowed"))?;
        people.push(Person { id: record.id, name, templates, first_row });
        first_row = end;
    }
    if people.len() != header.people || first_row != notes.len() {
        return Err(damaged("the counts do not fit"));
    }
    Ok(people)
}

struct PersonRecord<'a> {
    id: PersonId,
    templates: usize,
    name: &'a str,
}

fn take_person<'a>(bytes: &mut &'a [u8]) -> Option<PersonRecord<'a>> {
    let (fixed, rest) = bytes.split_first_chunk::<14>()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([fixed[12], fixed[13]])))?;
    *bytes = rest;
    let name = std::str::from_utf8(name).ok()?;
    Some(PersonRecord { id: PersonId(u64_at(fixed, 0)), templates: u32_at(fixed, 8) as usize, name })
}

fn damaged(what: &str) -> Problem {
    Problem::Damaged(what.to_owned())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

/// A stream that takes the checksum of what passes.
struct Hashed<S> {
    stream: S,
    digest: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.stream.write(bytes)?;
        self.digest.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(bytes)?;
        self.digest.update(&bytes[..n]);
        Ok(n)
    }
}
