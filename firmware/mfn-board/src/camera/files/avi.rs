//! MJPEG in AVI: the RIFF chunks are walked in the order in which they stand; the index is not used, so
//! files without one (a recorder that lost power) and OpenDML's further segments read the same way.

use std::{
    io::{BufRead, Read, Seek, SeekFrom},
    time::Duration,
};

use mfn_vision::Frame;

use super::{
    jpeg::{MAX_PICTURE_BYTES, read_picture},
    video::{Stream, period, unreadable},
};

/// Headers of streams that are looked at: a file has one to three.
const MAX_STREAMS: u32 = 16;

/// A video stream of MJPEG pictures in an AVI file.
pub struct Avi<R> {
    reader: R,
    /// Where the first picture's chunk can begin.
    pictures: u64,
    /// The two digits that begin the video stream's chunk names.
    stream: [u8; 2],
    period: Duration,
}

/// One step of the walk.
enum Step {
    /// A list or file header was entered.
    Entered([u8; 4]),
    /// A chunk's contents come next.
    Chunk([u8; 4], u32),
    End,
}

impl<R: BufRead + Seek> Avi<R> {
    /// Reads the headers up to the list of pictures.
    pub fn open(mut reader: R) -> Result<Avi<R>, String> {
        let mut streams = 0;
        let mut video = None;
        let mut header = None;
        loop {
            match step(&mut reader)? {
                Step::Entered(list) if &list == b"movi" => break,
                Step::Entered(list) if &list == b"strl" => streams += 1,
                Step::Chunk(id, size) if &id == b"strh" => header = Some(small(&mut reader, size)?),
                Step::Chunk(id, size) if &id == b"strf" && video.is_none() => {
                    let format = small(&mut reader, size)?;
                    video = header.take().and_then(|h| mjpeg_period(&h, &format)).map(|p| (streams, p));
                }
                Step::Chunk(_, size) => skip_rest(&mut reader, size, 0)?,
                Step::Entered(_) => {}
                Step::End => return Err("is an AVI file without pictures".into()),
            }
            if streams > MAX_STREAMS {
                return Err(format!("is an AVI file of more than {MAX_STREAMS} streams"));
            }
        }
        let (number, period) = video.ok_or("is an AVI file without an MJPEG stream; convert it to MJPEG")?;
        let stream = [b'0' + ((number - 1) / 10) as u8, b'0' + ((number - 1) % 10) as u8];
        let pictures = reader.stream_position().map_err(unreadable)?;
        Ok(Avi { reader, pictures, stream, period })
    }
}

/// Reads a chunk's header, and a list's kind with it.
fn step(reader: &mut impl BufRead) -> Result<Step, String> {
    if reader.fill_buf().map_err(unreadable)?.is_empty() {
        return Ok(Step::End);
    }
    let mut header = [0; 8];
    reader.read_exact(&mut header).map_err(unreadable)?;
    let [a, b, c, d, size @ ..] = header;
    let id = [a, b, c, d];
    if &id != b"RIFF" && &id != b"LIST" {
        return Ok(Step::Chunk(id, u32::from_le_bytes(size)));
    }
    let mut kind = [0; 4];
    reader.read_exact(&mut kind).map_err(unreadable)?;
    if [b"AVI ", b"AVIX", b"hdrl", b"strl", b"movi", b"rec "].contains(&&kind) {
        return Ok(Step::Entered(kind));
    }
    let rest = u32::from_le_bytes(size).checked_sub(4).ok_or("is a damaged AVI file: a list is too short")?;
    Ok(Step::Chunk(kind, rest))
}

/// A header chunk's first 64 bytes, zeros behind its end.
fn small(reader: &mut (impl BufRead + Seek), size: u32) -> Result<[u8; 64], String> {
    let mut bytes = [0; 64];
    let held = size.min(64);
    reader.read_exact(&mut bytes[..held as usize]).map_err(unreadable)?;
    skip_rest(reader, size, held)?;
    Ok(bytes)
}

/// Passes over what is left of a chunk after `read` bytes, and over the padding of an odd one. That the file
/// ends before is found by the next read.
fn skip_rest(reader: &mut impl Seek, size: u32, read: u32) -> Result<(), String> {
    let padded = i64::from(size) + i64::from(size % 2);
    reader.seek_relative(padded - i64::from(read)).map_err(unreadable)
}

/// The pace of a stream whose headers (`strh`, `strf`) say that it is MJPEG video; `None` for another one.
fn mjpeg_period(header: &[u8; 64], format: &[u8; 64]) -> Option<Duration> {
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let mjpeg = format[16..20].eq_ignore_ascii_case(b"MJPG") || header[4..8].eq_ignore_ascii_case(b"MJPG");
    (header.starts_with(b"vids") && mjpeg).then(|| period(number(24), number(20)))
}

impl<R: BufRead + Seek + Send> Stream for Avi<R> {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, String> {
        loop {
            match step(&mut self.reader)? {
                Step::End => return Ok(false),
                Step::Entered(_) => {}
                // An empty chunk stands for a picture that the recorder dropped.
                Step::Chunk([a, b, b'd', b'c' | b'b'], size) if [a, b] == self.stream && size > 0 => {
                    self.read_chunk(size, frame)?;
                    return Ok(true);
                }
                Step::Chunk(_, size) => skip_rest(&mut self.reader, size, 0)?,
            }
        }
    }

    fn rewind(&mut self) -> Result<(), String> {
        self.reader.seek(SeekFrom::Start(self.pictures)).map(drop).map_err(unreadable)
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn kind(&self) -> &'static str {
        "AVI"
    }
}

impl<R: BufRead + Seek> Avi<R> {
    fn read_chunk(&mut self, size: u32, frame: &mut Frame) -> Result<(), String> {
        if u64::from(size) > MAX_PICTURE_BYTES {
            return Err(format!("holds a picture of {size} bytes: at most {MAX_PICTURE_BYTES} are read"));
        }
        let mut chunk = (&mut self.reader).take(u64::from(size));
        read_picture(&mut chunk, frame)?;
        let rest = chunk.limit();
        skip_rest(&mut self.reader, size, size - rest as u32)
    }
}
