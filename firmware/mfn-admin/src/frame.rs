//! Frames: version and length before the JSON.

/// Version of the messages; another one is refused.
pub const VERSION: u8 = 1;
/// Bytes before the JSON.
pub const HEADER: usize = 8;
/// Longest request in bytes of JSON: 32 templates of 768 values at 12 characters each, and room for the rest.
pub const MAX_REQUEST: usize = 384 << 10;
/// Longest reply in bytes of JSON.
pub const MAX_REPLY: usize = 64 << 10;

/// Why bytes are no message. What they said is not repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Something else speaks there.
    #[error("this is no message of mfn-kiosk: something else uses the socket")]
    Foreign,
    /// Made by another release.
    #[error(
        "the message has version {0}, this program speaks version {VERSION}: use the mfn-kiosk of the kiosk that runs"
    )]
    Version(u8),
    /// Over the limit, or empty.
    #[error("a message of {found} bytes is refused: it may have 1 to {limit}")]
    Length {
        /// What the header says.
        found: usize,
        /// What it may say.
        limit: usize,
    },
    /// The JSON is none, or says what cannot be.
    #[error("the message cannot be understood: {0}")]
    Content(String),
}

/// The length of the JSON that follows a header.
///
/// # Errors
/// When it is no header, of another version, or over the limit.
pub fn body_length(header: [u8; HEADER], limit: usize) -> Result<usize, WireError> {
    let [b'M', b'F', b'N', version, length @ ..] = header else { return Err(WireError::Foreign) };
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let found = u32::from_le_bytes(length) as usize;
    if found == 0 || found > limit { Err(WireError::Length { found, limit }) } else { Ok(found) }
}

/// Header and JSON of a message.
///
/// # Errors
/// When it is longer than `limit`, which the other side would refuse.
pub fn frame(message: &impl serde::Serialize, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = vec![b'M', b'F', b'N', VERSION, 0, 0, 0, 0];
    serde_json::to_writer(&mut bytes, message).map_err(|e| WireError::Content(e.to_string()))?;
    let found = bytes.len() - HEADER;
    if found > limit {
        return Err(WireError::Length { found, limit });
    }
    bytes[4..HEADER].copy_from_slice(&(found as u32).to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_version_length_and_json() {
        let bytes = frame(&"hello", 10).unwrap();
        assert_eq!(bytes, b"MFN\x01\x07\0\0\0\"hello\"");
        assert_eq!(body_length(bytes[..8].try_into().unwrap(), 7), Ok(7));
    }

    #[test]
    fn other_headers_are_told_apart() {
        assert_eq!(body_length(*b"GET / HT", 100), Err(WireError::Foreign));
        assert_eq!(body_length(*b"MFN\x02\x01\0\0\0", 100), Err(WireError::Version(2)));
        for (length, found) in [(0_u32, 0), (101, 101), (u32::MAX, u32::MAX as usize)] {
            let mut header = *b"MFN\x01\0\0\0\0";
            header[4..].copy_from_slice(&length.to_le_bytes());
            assert_eq!(body_length(header, 100), Err(WireError::Length { found, limit: 100 }));
        }
        assert_eq!(frame(&"hello", 6), Err(WireError::Length { found: 7, limit: 6 }));
    }
}
