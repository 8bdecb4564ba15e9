//! Photographs with labelled faces: which to train on, which are kept out.

use crate::data::{Archive, Member, Span, picture, resolve};
use crate::recipe::FrameData;
use anyhow::{Context, Result, ensure};
use mfn_vision::{Detection, Landmarks, Point, Rect, RgbImage};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The file of labels in every source, one line a frame.
const LABELS: &str = "labels.jsonl";

/// One photograph with the faces that are known in it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Index of the source.
    archive: usize,
    member: Member,
    /// Faces in pixels of the frame, doubtful ones too.
    pub faces: Vec<Detection>,
    /// Whether its source has no face in any frame.
    pub empty: bool,
}

/// The frames of a recipe.
pub struct Frames {
    archives: Vec<Archive>,
    /// Frames to train on, source after source.
    pub train: Vec<Frame>,
    /// Where each source lies in `train`.
    pub spans: Vec<Span>,
    /// Frames that are never trained on.
    pub kept_out: Vec<Frame>,
    /// SHA-256 over names, lengths and labels of everything, in order.
    pub fingerprint: String,
}

/// A line of the labels.
#[derive(Deserialize)]
struct Line {
    frame: String,
    #[serde(default)]
    source: String,
    faces: Vec<LabelledFace>,
}

#[derive(Deserialize)]
struct LabelledFace {
    score: f32,
    #[serde(rename = "box")]
    face: [f32; 4],
    points: [[f32; 2]; 5],
}

impl LabelledFace {
    fn detection(&self) -> Detection {
        let [x, y, w, h] = self.face;
        let landmarks = Landmarks(self.points.map(|[x, y]| Point { x, y }));
        Detection { score: self.score, face: Rect { x, y, w, h }, landmarks }
    }
}

impl Frames {
    /// Opens every source and sorts its frames.
    ///
    /// # Errors
    /// When a source or its labels cannot be read, or nothing is left to train on.
    pub fn open(data: &FrameData) -> Result<Self> {
        let mut frames = Self {
            archives: Vec::new(),
            train: Vec::new(),
            spans: Vec::new(),
            kept_out: Vec::new(),
            fingerprint: String::new(),
        };
        let mut hash = Sha256::new();
        for source in &data.sources {
            let path = resolve(&data.root, &source.path)?;
            let labels = Archive::text(&path, LABELS)?;
            hash.update(source.path.as_bytes());
            hash.update(labels.as_bytes());
            let start = frames.train.len();
            let (archive, members) = Archive::open(&path)?;
            frames.archives.push(archive);
            frames
                .sort(members, &labels, data, &mut hash)
                .with_context(|| format!("data {}: {LABELS}", path.display()))?;
            frames.spans.push(Span { start, len: frames.train.len() - start, share: source.share });
        }
        frames.fingerprint = crate::bundle::hex(&hash.finalize());
        ensure!(!frames.train.is_empty(), "data: no frame is left to train on");
        Ok(frames)
    }

    fn sort(
        &mut self,
        members: Vec<Member>,
        labels: &str,
        data: &FrameData,
        hash: &mut Sha256,
    ) -> Result<()> {
        let mut by_name: HashMap<String, Member> =
            members.into_iter().map(|m| (m.name.trim_start_matches("./").to_string(), m)).collect();
        for (number, text) in labels.lines().enumerate() {
            let line: Line = serde_json::from_str(text).with_context(|| format!("line {}", number + 1))?;
            let found = by_name.remove(&line.frame);
            let member =
                found.with_context(|| format!("line {}: there is no frame {}", number + 1, line.frame))?;
            hash.update(format!("{} {}\n", member.name, member.len));
            let faces = line.faces.iter().map(LabelledFace::detection).collect();
            let empty = line.source == data.empty;
            let frame = Frame { archive: self.archives.len() - 1, member, faces, empty };
            if data.kept_out.holds(number) { self.kept_out.push(frame) } else { self.train.push(frame) }
        }
        Ok(())
    }

    /// Reads and decodes one.
    ///
    /// # Errors
    /// When it cannot be read or decoded; the error names it.
    pub fn picture(&self, frame: &Frame) -> Result<RgbImage> {
        let archive = &self.archives[frame.archive];
        let mut bytes = Vec::new();
        let decoded = archive.read(&frame.member, &mut bytes).and_then(|()| picture(&bytes));
        decoded.with_context(|| format!("{}: {}", archive.path().display(), frame.member.name))
    }
}

impl Frame {
    /// A frame without a picture behind it.
    #[cfg(test)]
    pub(super) fn unread(faces: Vec<Detection>) -> Self {
        let member = Member { name: "unread".into(), offset: 0, len: 0 };
        Self { archive: 0, member, faces, empty: false }
    }

    /// Path inside its source.
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// Number of its source in the recipe.
    pub fn source(&self) -> usize {
        self.archive
    }
}
