//! TinyFace: low-resolution probes against a gallery with distractors.

use super::engine::{Engine, Face, Picture, Preparation};
use super::identification::Ranks;
use super::outcome::{Figures, Outcome, RankFigures};
use super::pictures::Pictures;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Distractors embedded at once: their templates take 8 MB.
const CHUNK: usize = 4096;
/// The pictures are the faces: where the detector sees none, the whole picture is the crop.
const TINY: Preparation = Preparation { border: 0.5, centre: 1.0 };

/// Runs the benchmark on the folder with `Gallery_Match`, `Gallery_Distractor` and `Probe`.
///
/// # Errors
/// When a folder is missing, or a picture is broken or not named `IDENTITY_...`.
pub fn tinyface(engine: &Engine, path: &Path) -> Result<Outcome> {
    let open = |name: &str| Pictures::open(&folder(path, name)?);
    let (probes, gallery) = (open("probe")?, open("gallery_match")?);
    let distractors = open("gallery_distractor")?;
    let mut faces_not_found = Vec::new();
    let probe_faces =
        embed(engine, "tinyface probes", &probes, 0..probes.members().len(), &mut faces_not_found)?;
    let gallery_faces =
        embed(engine, "tinyface gallery", &gallery, 0..gallery.members().len(), &mut faces_not_found)?;
    let probe_ids = identities(&probes)?;
    let gallery_ids = identities(&gallery)?;
    let mut ranks = Ranks::new(best_mated(&probe_faces, &probe_ids, &gallery_faces, &gallery_ids));
    for (p, probe) in probe_faces.iter().enumerate() {
        for (other, _) in gallery_faces.iter().zip(&gallery_ids).filter(|(_, id)| **id != probe_ids[p]) {
            ranks.add(p, similarity(probe, other));
        }
    }
    let count = distractors.members().len();
    for start in (0..count).step_by(CHUNK) {
        let range = start..count.min(start + CHUNK);
        let faces = embed(engine, "tinyface distractors", &distractors, range, &mut faces_not_found)?;
        for (p, probe) in probe_faces.iter().enumerate() {
            faces.iter().for_each(|other| ranks.add(p, similarity(probe, other)));
        }
    }
    let figures = Figures::Ranks(RankFigures {
        probes: probe_faces.len() as u64,
        gallery: gallery_faces.len() + count,
        rank_1: ranks.rate(1),
        rank_5: ranks.rate(5),
    });
    Ok(Outcome { name: "tinyface".into(), figures, faces_not_found })
}

/// The folder of that name below `root` or one level deeper, whatever its capitals.
fn folder(root: &Path, name: &str) -> Result<PathBuf> {
    let below = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let mut dirs: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
        dirs.sort();
        dirs
    };
    let fits = |p: &PathBuf| p.file_name().is_some_and(|n| n.eq_ignore_ascii_case(name));
    let first = below(root);
    let second = first.iter().flat_map(|dir| below(dir));
    let found = first.clone().into_iter().chain(second).find(fits);
    found.with_context(|| format!("data {}: there is no folder {name} in it", root.display()))
}

/// The number before the first `_` of each file's name.
fn identities(pictures: &Pictures) -> Result<Vec<u64>> {
    let identity = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        let number = file.split_once('_').and_then(|(number, _)| number.parse().ok());
        number.with_context(|| format!("tinyface: {name} does not begin with an identity and `_`"))
    };
    pictures.members().iter().map(|m| identity(&m.name)).collect()
}

fn embed(
    engine: &Engine,
    title: &str,
    pictures: &Pictures,
    range: std::ops::Range<usize>,
    faces_not_found: &mut Vec<String>,
) -> Result<Vec<Face>> {
    let start = range.start;
    let read = |i: usize| Ok(Picture::Photograph(pictures.read(start + i)?));
    let faces = engine.embed(title, range.len(), TINY, read)?;
    let missed = faces.iter().enumerate().filter(|(_, f)| !f.found);
    faces_not_found.extend(missed.map(|(i, _)| pictures.name(start + i).to_string()));
    Ok(faces)
}

fn best_mated(probes: &[Face], ids: &[u64], gallery: &[Face], gallery_ids: &[u64]) -> Vec<f32> {
    let best = |(probe, id): (&Face, &u64)| {
        let mated = gallery.iter().zip(gallery_ids).filter(|(_, other)| *other == id);
        mated.map(|(other, _)| similarity(probe, other)).fold(f32::NEG_INFINITY, f32::max)
    };
    probes.iter().zip(ids).map(best).collect()
}

/// With mirror images where they were asked for, as the field does.
fn similarity(a: &Face, b: &Face) -> f32 {
    match (&a.flip, &b.flip) {
        (Some(a), Some(b)) => a.similarity(b),
        _ => a.plain.similarity(&b.plain),
    }
}
