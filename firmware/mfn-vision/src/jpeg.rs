//! JPEG pictures held with care: dimensions are read before anything large is allocated, and a
//! picture whose end is missing is an error instead of grey rows.

use crate::{MAX_FRAME_SIDE, RgbImage};
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// What precedes the scan of a JPEG file, as far as it matters here.
struct Headers {
    /// Where the first scan's data begin.
    scan: usize,
    /// Whether Huffman tables are given. Many webcams leave them out: MJPEG's are fixed.
    huffman: bool,
}

/// Start of image and the marker segment by which AVI says "the fixed Huffman tables are meant".
const AVI_START: [u8; 20] =
    [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'A', b'V', b'I', b'1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Decodes a whole JPEG picture, which must have the size that was announced for it.
pub(crate) fn decode(bytes: &[u8], size: (u32, u32), into: &mut RgbImage) -> Result<(), String> {
    let headers = check_whole(bytes)?;
    if headers.huffman {
        return decode_tables_given(bytes, size, into);
    }
    let mut with_tables = Vec::with_capacity(AVI_START.len() + bytes.len());
    with_tables.extend_from_slice(&AVI_START);
    with_tables.extend_from_slice(&bytes[2..]);
    decode_tables_given(&with_tables, size, into)
}

fn decode_tables_given(bytes: &[u8], size: (u32, u32), into: &mut RgbImage) -> Result<(), String> {
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_strict_mode(false)
        .set_max_width(MAX_FRAME_SIDE as usize)
        .set_max_height(MAX_FRAME_SIDE as usize);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| format!("{e:?}"))?;
    let found = decoder.dimensions().ok_or("no dimensions in its header")?;
    if found != (size.0 as usize, size.1 as usize) {
        return Err(format!("{}x{} pixels where {}x{} were announced", found.0, found.1, size.0, size.1));
    }
    into.reshape(size.0, size.1);
    if decoder.output_buffer_size() != Some(into.data().len()) {
        return Err("its colours are not grey, RGB or Y'CbCr".into());
    }
    decoder.decode_into(into.data_mut()).map_err(|e| format!("{e:?}"))
}

/// Whether these bytes begin as a JPEG file does.
pub(crate) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Checks that a JPEG file has a scan and an end.
pub(crate) fn check_complete(bytes: &[u8]) -> Result<(), String> {
    check_whole(bytes).map(|_| ())
}

/// The decoder fills a cut scan with grey; this finds the cut. Within a scan 0xff is followed by 0
/// (ITU-T T.81, B.1.1.5), so the end marker cannot occur by chance.
fn check_whole(bytes: &[u8]) -> Result<Headers, String> {
    let headers = walk(bytes)?;
    let scan = &bytes[headers.scan..];
    // Nearly always the last two bytes, or close to them where a driver pads with zeros.
    let ended = scan.windows(2).rev().any(|pair| pair == [0xff, 0xd9]);
    if ended { Ok(headers) } else { Err("its end is missing: it was cut short".into()) }
}

/// Follows the marker segments up to the first scan.
fn walk(bytes: &[u8]) -> Result<Headers, String> {
    if !is_jpeg(bytes) {
        return Err("it does not begin as a JPEG picture does".into());
    }
    let mut at = 2;
    let mut huffman = false;
    loop {
        let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) else {
            return Err("it ends or breaks within its headers".into());
        };
        if marker == 0xff {
            at += 1; // a fill byte
            continue;
        }
        huffman |= marker == 0xc4;
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xda {
            let whole = at <= bytes.len();
            return if whole { Ok(Headers { scan: at, huffman }) } else { Err("it has no scan".into()) };
        }
    }
}
