//! JPEG pictures one after the other, as they stand in raw MJPEG files and in AVI's chunks.
//! Finds where a picture ends and how large it is (ITU-T T.81, annex B); decodes nothing.

use std::{
    io::{BufRead, Read, Seek, SeekFrom},
    time::Duration,
};

use mfn_vision::{Frame, PixelFormat};

use super::video::{SIDES, Stream, unreadable};

/// The most bytes of one picture: more than any camera's largest mode gives.
pub const MAX_PICTURE_BYTES: u64 = 32 << 20;

/// A file of JPEG pictures.
pub struct MotionJpeg<R> {
    reader: R,
}

impl<R: BufRead + Seek> MotionJpeg<R> {
    pub fn new(reader: R) -> MotionJpeg<R> {
        MotionJpeg { reader }
    }
}

impl<R: BufRead + Seek + Send> Stream for MotionJpeg<R> {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, String> {
        skip_padding(&mut self.reader)?;
        if self.reader.fill_buf().map_err(unreadable)?.is_empty() {
            return Ok(false);
        }
        read_picture(&mut self.reader, frame)?;
        Ok(true)
    }

    fn rewind(&mut self) -> Result<(), String> {
        self.reader.seek(SeekFrom::Start(0)).map(drop).map_err(unreadable)
    }

    fn period(&self) -> Duration {
        Duration::from_millis(40)
    }

    fn kind(&self) -> &'static str {
        "MJPEG"
    }
}

/// Writers fill up to a sector or a page with zeros.
fn skip_padding(reader: &mut impl BufRead) -> Result<(), String> {
    loop {
        let buffer = reader.fill_buf().map_err(unreadable)?;
        let zeros = buffer.iter().take_while(|&&byte| byte == 0).count();
        let more = zeros == buffer.len() && zeros > 0;
        reader.consume(zeros);
        if !more {
            return Ok(());
        }
    }
}

/// Reads one whole picture, from its start marker to its end marker, into the frame.
pub fn read_picture(reader: &mut impl BufRead, frame: &mut Frame) -> Result<(), String> {
    frame.data.clear();
    let mut picture = Picture { reader: reader.take(MAX_PICTURE_BYTES), data: &mut frame.data };
    let (width, height) = picture.read()?;
    frame.format = PixelFormat::Mjpeg;
    (frame.width, frame.height, frame.stride) = (width, height, 0);
    Ok(())
}

struct Picture<'a, R> {
    reader: std::io::Take<R>,
    data: &'a mut Vec<u8>,
}

impl<R: BufRead> Picture<'_, R> {
    fn read(&mut self) -> Result<(u32, u32), String> {
        if self.bytes(2)? != [0xff, 0xd8] {
            return Err("holds something that is no JPEG picture between its pictures".into());
        }
        let mut size = None;
        let mut marker = self.marker()?;
        loop {
            match marker {
                0xd9 => return size.ok_or_else(|| "holds a JPEG picture without a size".into()),
                // A start of frame: not the tables DHT (c4) and DAC (cc), not the reserved JPG (c8).
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    size = Some(frame_size(self.segment()?)?)
                }
                0xd0..=0xd8 | 0x00 | 0x01 => {
                    return Err(format!("holds a JPEG picture with a misplaced marker {marker:02x}"));
                }
                _ => {
                    self.segment()?;
                }
            }
            marker = if marker == 0xda { self.scan()? } else { self.marker()? };
        }
    }

    /// The next `count` bytes.
    fn bytes(&mut self, count: u64) -> Result<&[u8], String> {
        let start = self.data.len();
        let read = self.reader.by_ref().take(count).read_to_end(self.data).map_err(unreadable)?;
        if read as u64 == count { Ok(&self.data[start..]) } else { Err(self.ended()) }
    }

    fn ended(&self) -> String {
        if self.reader.limit() == 0 {
            format!("holds a picture of more than {MAX_PICTURE_BYTES} bytes")
        } else {
            "is cut short in the middle of a picture".into()
        }
    }

    /// A marker outside of a scan; fill bytes may stand before it.
    fn marker(&mut self) -> Result<u8, String> {
        if self.bytes(1)? != [0xff] {
            return Err("holds a damaged JPEG picture: a marker is missing".into());
        }
        self.marker_code()
    }

    /// The byte behind a marker's ff; more ff may stand before it.
    fn marker_code(&mut self) -> Result<u8, String> {
        loop {
            match self.bytes(1)?[0] {
                0xff => {}
                code => return Ok(code),
            }
        }
    }

    /// The contents of a marker segment.
    fn segment(&mut self) -> Result<&[u8], String> {
        let length = u16::from_be_bytes([self.bytes(1)?[0], self.bytes(1)?[0]]);
        let inside = length.checked_sub(2).ok_or("holds a damaged JPEG picture: a segment is too short")?;
        self.bytes(u64::from(inside))
    }

    /// Passes over a scan's data to the marker behind it; 00 and restarts belong to the data.
    fn scan(&mut self) -> Result<u8, String> {
        loop {
            self.reader.read_until(0xff, self.data).map_err(unreadable)?;
            match self.marker_code()? {
                0x00 | 0xd0..=0xd7 => {}
                marker => return Ok(marker),
            }
        }
    }
}

/// A start-of-frame segment: precision, height, width.
fn frame_size(segment: &[u8]) -> Result<(u32, u32), String> {
    let &[_, h1, h0, w1, w0, ..] = segment else {
        return Err("holds a damaged JPEG picture: its size is missing".into());
    };
    let (width, height) = (u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0])));
    if SIDES.contains(&width) && SIDES.contains(&height) {
        Ok((width, height))
    } else {
        Err(format!("holds a picture of {width}x{height} pixels: 2 to {} a side are read", SIDES.end()))
    }
}
