//! Y4M (YUV4MPEG2) video: a line of text, then for each picture a line and its planes, 8 bit a sample.
//!
//! Planes are interleaved into the formats that cameras give, so that one path serves both: 4:2:0 becomes
//! NV12, 4:2:2 becomes YUYV, mono becomes GREY, all byte for byte. 4:4:4 becomes YUYV too, two neighbours'
//! chroma averaged. An odd last column or row is left out where chroma is shared.

use std::{
    io::{BufRead, Read, Seek, SeekFrom},
    time::Duration,
};

use mfn_vision::{Frame, PixelFormat};

use super::video::{SIDES, Stream, period, unreadable};

/// The longest line that is read; real ones have under 200 bytes.
const MAX_LINE: u64 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chroma {
    Mono,
    C420,
    C422,
    C444,
}

/// What the first line says.
#[derive(Clone, Copy, Debug)]
struct Header {
    width: usize,
    height: usize,
    chroma: Chroma,
    period: Duration,
}

/// A Y4M file.
pub struct Y4m<R> {
    reader: R,
    header: Header,
    /// Where the first picture begins, and where the file ends.
    pictures: u64,
    end: u64,
    /// One picture as it stands in the file.
    planes: Vec<u8>,
}

impl<R: BufRead + Seek> Y4m<R> {
    /// Reads the header.
    pub fn open(mut reader: R) -> Result<Y4m<R>, String> {
        let end = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let header = parse_header(&read_line(&mut reader)?)?;
        let pictures = reader.stream_position().map_err(unreadable)?;
        Ok(Y4m { reader, header, pictures, end, planes: Vec::new() })
    }

    /// Reads the next picture's planes; the file's length is asked before memory is taken.
    fn read_planes(&mut self) -> Result<(), String> {
        let bytes = self.header.picture_bytes();
        let left = self.end.saturating_sub(self.reader.stream_position().map_err(unreadable)?);
        if left < bytes as u64 {
            return Err("is cut short in the middle of a picture".into());
        }
        self.planes.resize(bytes, 0);
        self.reader.read_exact(&mut self.planes).map_err(unreadable)
    }
}

fn read_line(reader: &mut impl BufRead) -> Result<String, String> {
    let mut line = Vec::new();
    reader.take(MAX_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
    if line.pop() != Some(b'\n') {
        return Err("is a damaged Y4M file: a line has no end".into());
    }
    String::from_utf8(line).map_err(|_| "is a damaged Y4M file: a line is no text".into())
}

fn parse_header(line: &str) -> Result<Header, String> {
    let mut words = line.split(' ');
    if words.next() != Some("YUV4MPEG2") {
        return Err("is no Y4M file".into());
    }
    let (mut width, mut height, mut chroma, mut rate) = (None, None, Chroma::C420, period(25, 1));
    for word in words {
        let Some(kind) = word.chars().next() else { continue };
        let value = &word[kind.len_utf8()..];
        match kind {
            'W' => width = parse_side(value),
            'H' => height = parse_side(value),
            'C' => chroma = parse_chroma(value)?,
            'F' => rate = parse_rate(value),
            'I' if !matches!(value, "p" | "?") => {
                return Err("is interlaced; convert it to progressive".into());
            }
            'X' if value == "COLORRANGE=FULL" => {
                return Err("is of full range; convert it to limited range".into());
            }
            _ => {}
        }
    }
    let (Some(width), Some(height)) = (width, height) else {
        return Err(format!("is a Y4M file whose pictures have no size from 2 to {} a side", SIDES.end()));
    };
    Ok(Header { width, height, chroma, period: rate })
}

fn parse_side(text: &str) -> Option<usize> {
    text.parse().ok().filter(|side| SIDES.contains(side)).map(|side: u32| side as usize)
}

fn parse_rate(text: &str) -> Duration {
    let parts = text.split_once(':').and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
    parts.map_or(period(25, 1), |(pictures, seconds)| period(pictures, seconds))
}

/// 4:2:0's variants differ in where chroma is sampled, by at most half a pixel.
fn parse_chroma(text: &str) -> Result<Chroma, String> {
    match text {
        "mono" => Ok(Chroma::Mono),
        "420" | "420jpeg" | "420paldv" | "420mpeg2" => Ok(Chroma::C420),
        "422" => Ok(Chroma::C422),
        "444" => Ok(Chroma::C444),
        _ => Err(format!("is a Y4M file of the kind C{text}; mono, 420, 422 and 444 with 8 bits are read")),
    }
}

impl Header {
    fn chroma_width(&self) -> usize {
        if self.chroma == Chroma::C444 { self.width } else { self.width.div_ceil(2) }
    }

    /// Bytes of one chroma plane.
    fn chroma_bytes(&self) -> usize {
        match self.chroma {
            Chroma::Mono => 0,
            Chroma::C420 => self.chroma_width() * self.height.div_ceil(2),
            Chroma::C422 | Chroma::C444 => self.chroma_width() * self.height,
        }
    }

    fn picture_bytes(&self) -> usize {
        self.width * self.height + 2 * self.chroma_bytes()
    }

    /// Writes a picture's planes into the frame.
    fn interleave(&self, planes: &[u8], frame: &mut Frame) {
        let (luma, chroma) = planes.split_at(self.width * self.height);
        let (cb, cr) = chroma.split_at(self.chroma_bytes());
        frame.data.clear();
        let (width, height) = match self.chroma {
            Chroma::Mono => (self.width, self.height),
            Chroma::C420 => (self.width & !1, self.height & !1),
            Chroma::C422 | Chroma::C444 => (self.width & !1, self.height),
        };
        (frame.width, frame.height) = (width as u32, height as u32);
        match self.chroma {
            Chroma::Mono => self.pack_grey(luma, frame),
            Chroma::C420 => self.pack_nv12(luma, cb, cr, frame),
            Chroma::C422 | Chroma::C444 => self.pack_yuyv(luma, cb, cr, frame),
        }
    }

    fn pack_grey(&self, luma: &[u8], frame: &mut Frame) {
        frame.format = PixelFormat::Grey;
        frame.stride = frame.width;
        frame.data.extend_from_slice(luma);
    }

    fn pack_nv12(&self, luma: &[u8], cb: &[u8], cr: &[u8], frame: &mut Frame) {
        frame.format = PixelFormat::Nv12;
        frame.stride = frame.width;
        let (width, height) = (frame.width as usize, frame.height as usize);
        for row in luma.chunks(self.width).take(height) {
            frame.data.extend_from_slice(&row[..width]);
        }
        let rows = cb.chunks(self.chroma_width()).zip(cr.chunks(self.chroma_width()));
        for (cb, cr) in rows.take(height / 2) {
            frame.data.extend(cb.iter().zip(cr).take(width / 2).flat_map(|(&u, &v)| [u, v]));
        }
    }

    fn pack_yuyv(&self, luma: &[u8], cb: &[u8], cr: &[u8], frame: &mut Frame) {
        frame.format = PixelFormat::Yuyv;
        frame.stride = 2 * frame.width;
        let rows = cb.chunks(self.chroma_width()).zip(cr.chunks(self.chroma_width()));
        for (y, (cb, cr)) in luma.chunks(self.width).zip(rows) {
            let pairs = y.chunks_exact(2).enumerate();
            frame.data.extend(pairs.flat_map(|(x, y)| [y[0], self.pair(cb, x), y[1], self.pair(cr, x)]));
        }
    }

    /// The chroma of the x-th pair of pixels.
    fn pair(&self, row: &[u8], x: usize) -> u8 {
        if self.chroma == Chroma::C422 { row[x] } else { row[2 * x].midpoint(row[2 * x + 1]) }
    }
}

impl<R: BufRead + Seek + Send> Stream for Y4m<R> {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, String> {
        if self.reader.fill_buf().map_err(unreadable)?.is_empty() {
            return Ok(false);
        }
        let line = read_line(&mut self.reader)?;
        if line != "FRAME" && !line.starts_with("FRAME ") {
            return Err("is a damaged Y4M file: a picture's line is missing".into());
        }
        self.read_planes()?;
        self.header.interleave(&self.planes, frame);
        Ok(true)
    }

    fn rewind(&mut self) -> Result<(), String> {
        self.reader.seek(SeekFrom::Start(self.pictures)).map(drop).map_err(unreadable)
    }

    fn period(&self) -> Duration {
        self.header.period
    }

    fn kind(&self) -> &'static str {
        "Y4M"
    }
}
