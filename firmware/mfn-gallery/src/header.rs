//! The first page of `gallery.mfn`, and what all pages share.

use crate::Problem;
use crate::bytes::Fields;
use crate::disk::DiskFile;
use crate::seal::{Id, OVERHEAD, Secret};
use mfn_template::TemplateSpace;
use sha2::{Digest, Sha256};

/// The version that is written and read.
pub(crate) const VERSION: u32 = 2;
/// Bytes of a page, of a slot, and of what disks write at once.
pub(crate) const PAGE: usize = 4096;
/// Longest template: with a person's details it fills a slot.
pub(crate) const MAX_DIMENSION: u32 = 768;
/// Most that a count may be which grows by one with each change.
pub(crate) const MAX_COUNT: u64 = u64::MAX / 2;
/// Most slots of a journal.
const MAX_SLOTS: u32 = 65_536;
const MAGIC: [u8; 8] = *b"MFNGAL\r\n";
const DIGEST: usize = 32;
const SPACE_ROOM: usize = 64;

/// What the header says, checked against itself and the file's length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) dimension: usize,
    pub(crate) gallery: Id,
    pub(crate) snapshot: Id,
    pub(crate) check: Id,
    pub(crate) generation: u64,
    pub(crate) index: u64,
    pub(crate) chunks: u64,
    pub(crate) slots: u32,
    pub(crate) space: TemplateSpace,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; PAGE] {
        let space = self.space.as_str().as_bytes();
        let fields: [&[u8]; 11] = [
            &MAGIC,
            &VERSION.to_le_bytes(),
            &(self.dimension as u32).to_le_bytes(),
            &self.gallery,
            &self.snapshot,
            &self.check,
            &self.generation.to_le_bytes(),
            &self.index.to_le_bytes(),
            &self.chunks.to_le_bytes(),
            &self.slots.to_le_bytes(),
            &(space.len() as u32).to_le_bytes(),
        ];
        sealed_page(&[&fields.concat(), space].concat())
    }

    /// Reads and parses the header of an open file; the page is what the index is bound to.
    pub(crate) fn read(file: &dyn DiskFile) -> Result<(Header, Vec<u8>), Problem> {
        let len = file.size()?;
        let mut page = vec![0; PAGE.min(usize::try_from(len).unwrap_or(PAGE))];
        file.read_all_at(&mut page, 0)?;
        Ok((Header::parse(&page, len)?, page))
    }

    /// Parses the first page of a file of `len` bytes.
    pub(crate) fn parse(page: &[u8], len: u64) -> Result<Header, Problem> {
        let mut fields = open_page(page, MAGIC)?;
        let header = Header::fields(&mut fields).ok_or_else(|| damaged("impossible header"))?;
        let wanted = header.file_len().ok_or_else(|| damaged("impossible lengths"))?;
        if wanted != len {
            return Err(damaged(&format!("{len} bytes, the header says {wanted}")));
        }
        Ok(header)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<Header> {
        let dimension = fields.u32().filter(|d| (1..=MAX_DIMENSION).contains(d))? as usize;
        let (gallery, snapshot, check) = (fields.id()?, fields.id()?, fields.id()?);
        let generation = fields.u64().filter(|&changes| changes <= MAX_COUNT)?;
        let (index, chunks) = (fields.u64()?, fields.u64()?);
        let slots = fields.u32().filter(|s| (1..=MAX_SLOTS).contains(s))?;
        let space_len = fields.u32().filter(|&n| n as usize <= SPACE_ROOM)? as usize;
        let space = std::str::from_utf8(fields.bytes(space_len)?).ok()?;
        let space = TemplateSpace::new(space).ok()?;
        Fields(fields.0).end()?;
        Some(Header { dimension, gallery, snapshot, check, generation, index, chunks, slots, space })
    }

    /// Whether the key is this gallery's, and the templates are the recogniser's.
    pub(crate) fn check_for(
        &self,
        key: &Secret,
        space: &TemplateSpace,
        dimension: usize,
    ) -> Result<(), Problem> {
        if key.check(&self.gallery) != self.check {
            return Err(Problem::WrongKey);
        }
        if self.space != *space {
            return Err(Problem::WrongSpace { found: self.space.clone(), wanted: space.clone() });
        }
        if self.dimension != dimension {
            return Err(Problem::WrongDimension { found: self.dimension, wanted: dimension });
        }
        Ok(())
    }

    /// Where the chunks begin.
    pub(crate) fn chunks_at(&self) -> Option<u64> {
        self.index.checked_add((PAGE + OVERHEAD) as u64)
    }

    /// Where the journal begins.
    pub(crate) fn journal_at(&self) -> Option<u64> {
        self.chunks_at()?.checked_add(self.chunks)?.checked_next_multiple_of(PAGE as u64)
    }

    /// The length of the whole file.
    pub(crate) fn file_len(&self) -> Option<u64> {
        self.journal_at()?.checked_add(u64::from(self.slots) * PAGE as u64)
    }
}

/// A page with its checksum.
pub(crate) fn sealed_page(content: &[u8]) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    page[..content.len()].copy_from_slice(content);
    let digest = Sha256::digest(&page[..PAGE - DIGEST]);
    page[PAGE - DIGEST..].copy_from_slice(&digest);
    page
}

/// What follows magic and version on a page, checked in the order that gives the best message.
pub(crate) fn open_page(page: &[u8], magic: [u8; 8]) -> Result<Fields<'_>, Problem> {
    if page.is_empty() {
        return Err(Problem::Empty);
    }
    let mut fields = Fields(page);
    if fields.array() != Some(magic) {
        return Err(Problem::NotAGallery);
    }
    match fields.u32() {
        Some(VERSION) => {}
        Some(other) => return Err(Problem::UnknownVersion(other)),
        None => return Err(damaged("it ends within the header")),
    }
    if page.len() != PAGE {
        return Err(damaged("it ends within the header"));
    }
    let (content, digest) = page.split_at(PAGE - DIGEST);
    if !cfg!(fuzzing) && Sha256::digest(content).as_slice() != digest {
        return Err(damaged("the header's checksum does not fit"));
    }
    Ok(Fields(&content[12..]))
}

pub(crate) fn damaged(what: &str) -> Problem {
    Problem::Damaged(what.to_owned())
}
