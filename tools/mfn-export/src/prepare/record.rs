//! The record beside the crops: one JSON line a photograph.

use anyhow::{Context, Result};
use mfn_vision::{Detection, Rect};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One crop.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Taken {
    /// Its file, below the folder of crops.
    pub crop: PathBuf,
    /// The detector's score.
    pub score: f32,
    /// x, y, width, height in pixels of the photograph.
    #[serde(rename = "box")]
    pub face: [f32; 4],
    /// Left eye, right eye, nose, left and right mouth corner in pixels of the photograph.
    pub points: [[f32; 2]; 5],
}

impl Taken {
    /// What is recorded of a detection.
    pub fn new(crop: PathBuf, detection: &Detection) -> Self {
        let Rect { x, y, w, h } = detection.face;
        let points = detection.landmarks.0.map(|p| [p.x, p.y]);
        Self { crop, score: detection.score, face: [x, y, w, h], points }
    }
}

/// One photograph.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    /// Its path below the folder of photographs.
    pub source: String,
    /// What was taken from it.
    pub faces: Vec<Taken>,
    /// Why nothing was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// The file, and which photographs it holds.
pub struct Record {
    file: File,
    path: PathBuf,
    sources: HashSet<String>,
}

impl Record {
    /// Opens `record.jsonl` in the folder. A last line that was cut short is dropped: its photograph is done
    /// again.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("record.jsonl");
        let within = || format!("{}: cannot be used", path.display());
        let text =
            if path.exists() { std::fs::read_to_string(&path).with_context(within)? } else { String::new() };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let parse = |line: &str| serde_json::from_str::<Entry>(line).ok().map(|e| e.source);
        let sources = text[..whole].lines().filter_map(parse).collect();
        let file = OpenOptions::new().create(true).append(true).open(&path).with_context(within)?;
        file.set_len(whole as u64).with_context(within)?;
        Ok(Self { file, path, sources })
    }

    /// Whether that photograph was done.
    pub fn holds(&self, source: &str) -> bool {
        self.sources.contains(source)
    }

    /// Adds a photograph, whose crops are already written.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        let line = serde_json::to_string(entry)? + "\n";
        let written = self.file.write_all(line.as_bytes());
        written.with_context(|| format!("{}: cannot be written", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let entry =
            |source: &str| Entry { source: source.into(), faces: Vec::new(), skipped: Some("x".into()) };
        let mut record = Record::open(folder.path()).unwrap();
        record.add(&entry("a.jpg")).unwrap();
        record.file.write_all(b"{\"source\": \"b.j").unwrap();
        let mut record = Record::open(folder.path()).unwrap();
        assert!(record.holds("a.jpg") && !record.holds("b.jpg"));
        record.add(&entry("b.jpg")).unwrap();
        let record = Record::open(folder.path()).unwrap();
        assert!(record.holds("a.jpg") && record.holds("b.jpg"));
    }
}
