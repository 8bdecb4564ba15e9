//! InsightFace's `train.rec` with its `train.idx`: MXNet RecordIO with a 24-byte image header.
//!
//! A record is the magic number, a length word (its upper three bits are a continuation flag),
//! the data, and zeros up to a multiple of four. The data begins with `flag` (u32), `label` (f32)
//! and two u64 ids; when `flag` is above 0, that many f32 labels follow and replace `label`.
//! Record 0 holds in its first label the number of the first record that is no picture.

use super::Member;
use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u32 = 0xced7_230a;
const RECORD_HEADER: u64 = 8;
const IMAGE_HEADER: u64 = 24;

struct Record {
    label: f32,
    offset: u64,
    len: u32,
}

/// Lists the pictures as `LABEL/NUMBER.jpg`.
pub fn list(file: &File, index: &Path) -> Result<Vec<Member>> {
    let text = std::fs::read_to_string(index).with_context(|| format!("its index {}", index.display()))?;
    let mut offsets = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let pair = words.next().zip(words.next());
        let parsed = pair.and_then(|(key, at)| Some((key.parse::<u64>().ok()?, at.parse::<u64>().ok()?)));
        // Of a file that is no index at all, the beginning is enough.
        let shown = || line.chars().take(60).collect::<String>();
        offsets.push(parsed.with_context(|| format!("its index has the line `{}`", shown()))?);
    }
    let first = offsets.iter().find(|(key, _)| *key == 0).context("its index has no record 0")?;
    let end = read(file, first.1)?.label as u64;
    let mut members = Vec::new();
    for (key, at) in offsets.into_iter().filter(|(key, _)| (1..end).contains(key)) {
        let record = read(file, at).with_context(|| format!("record {key}"))?;
        let name = format!("{:06}/{key}.jpg", record.label as u64).into();
        members.push(Member { name, offset: record.offset, len: record.len });
    }
    Ok(members)
}

fn read(file: &File, at: u64) -> Result<Record> {
    let mut head = [0; (RECORD_HEADER + IMAGE_HEADER + 4) as usize];
    let enough = (RECORD_HEADER + IMAGE_HEADER) as usize;
    let got = file.read_at(&mut head, at)?;
    ensure!(got >= enough, "the file ends inside it");
    let word = |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
    ensure!(word(0) == MAGIC, "it does not begin with the magic number");
    ensure!(word(4) >> 29 == 0, "it is split in parts, which this program cannot read");
    let (size, flag) = (u64::from(word(4)), u64::from(word(8)));
    let before = IMAGE_HEADER + 4 * flag;
    ensure!(before <= size, "its header is longer than the record");
    let label = f32::from_bits(if flag > 0 { word(enough) } else { word(12) });
    let len = (size - before) as u32;
    Ok(Record { label, offset: at + RECORD_HEADER + before, len })
}
