//! TensorBoard's event files: the same numbers as `metrics.jsonl`, for those who look at them there.
//!
//! A record is its length (u64), a masked CRC-32C of that, an `Event` in protobuf, and a masked
//! CRC-32C of it (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto).

use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Appends to one event file; a resumed run begins another, as TensorBoard expects.
pub struct Events {
    path: PathBuf,
}

impl Events {
    /// A new event file in the folder of a run, named after the images seen so far.
    pub fn create(folder: &Path, seen: u64) -> Result<Self> {
        let now = now() as u64;
        let events = Self { path: folder.join(format!("events.out.tfevents.{now}.{seen}")) };
        let mut event = Message::default();
        event.double(1, now as f64);
        event.bytes(3, b"brain.Event:2");
        events.append(&event.0)?;
        Ok(events)
    }

    /// Writes every number of a metrics line at its `images`; nested ones as `outer/inner`.
    pub fn log(&self, line: &Value) -> Result<()> {
        let mut scalars = Vec::new();
        collect("", line, &mut scalars);
        let mut summary = Message::default();
        for (tag, value) in scalars.iter().filter(|(tag, _)| tag != "images") {
            let mut scalar = Message::default();
            scalar.bytes(1, tag.as_bytes());
            scalar.float(2, *value as f32);
            summary.bytes(1, &scalar.0);
        }
        let mut event = Message::default();
        event.double(1, now());
        event.varint(2, line["images"].as_u64().unwrap_or_default());
        event.bytes(5, &summary.0);
        self.append(&event.0)
    }

    fn append(&self, event: &[u8]) -> Result<()> {
        let length = (event.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked(&length).to_le_bytes());
        record.extend(event);
        record.extend(masked(event).to_le_bytes());
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.and_then(|mut f| f.write_all(&record))
            .with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

fn collect(prefix: &str, value: &Value, into: &mut Vec<(String, f64)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let tag = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                collect(&tag, value, into);
            }
        }
        _ => into.extend(value.as_f64().map(|number| (prefix.to_string(), number))),
    }
}

/// A protobuf message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.raw_varint(field << 3);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.raw_varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.raw_varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }
}

/// CRC-32C (Castagnoli), rotated and shifted as TensorFlow's records want it.
fn masked(bytes: &[u8]) -> u32 {
    let crc = !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0x82f6_3b78 } else { c >> 1 })
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // CRC-32C of "123456789" is 0xe3069283 (RFC 3720's polynomial, the usual check value).
        let unmasked = masked(b"123456789").wrapping_sub(0xa282_ead8).rotate_left(15);
        assert_eq!(unmasked, 0xe306_9283);
    }

    #[test]
    fn nested_numbers_become_tags() {
        let mut all = Vec::new();
        collect("", &serde_json::json!({"images": 5, "held_out": {"error": 0.25}, "name": "x"}), &mut all);
        all.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(all, [("held_out/error".to_string(), 0.25), ("images".to_string(), 5.0)]);
    }
}
