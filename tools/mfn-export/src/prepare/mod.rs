//! From photographs to aligned crops, with a record of where each came from; goes on where it stopped.

mod record;
mod subset;

pub use record::{Entry, Record, Taken};
pub use subset::{Selected, Selection, subset};

use crate::evaluate::engine::bar;
use anyhow::{Context, Result, ensure};
use mfn_engine::{Detector, DetectorOptions, Guard, Models};
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{AlignedFace, Detection, align};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Only the largest face of each photograph.
    pub largest: bool,
    /// Faces narrower than this many pixels are left out.
    pub smallest: f32,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Photographs that an earlier call had done.
    pub before: usize,
    /// Photographs looked at now.
    pub photographs: usize,
    /// Crops written now.
    pub crops: usize,
    /// Photographs without a crop, by reason.
    pub skipped: std::collections::BTreeMap<String, usize>,
}

/// Looks at every picture below `photos` that the record in `out` does not hold yet.
///
/// # Errors
/// When `photos` or `out` cannot be used, or there is no detector in `models`. A photograph that cannot be read
/// is recorded as skipped.
pub fn prepare(
    photos: &Path,
    out: &Path,
    models: &Path,
    guard: &Guard,
    choice: Choice,
    threads: usize,
) -> Result<Summary> {
    ensure!(photos.is_dir(), "{}: it is no folder of photographs", photos.display());
    let (_, members) = crate::data::Archive::open(photos)?;
    ensure!(!members.is_empty(), "{}: there is no photograph in it (JPEG, PNG or WebP)", photos.display());
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    let record = Record::open(out)?;
    let mut names: Vec<String> = members.into_iter().map(|m| m.name.into()).collect();
    let all = names.len();
    let shared = shared_stems(&names);
    names.retain(|name| !record.holds(name));
    let mut summary = Summary { before: all - names.len(), ..Summary::default() };
    let found = Models::find(models)?;
    let options = DetectorOptions { width: 640, height: 640, ..DetectorOptions::default() };
    let workers = (0..threads.max(1)).map(|_| {
        let detector = Detector::load(found.detector()?, options, guard)?;
        Ok(Worker { detector, found: Vec::new(), photos, out, choice, shared: &shared })
    });
    let workers = workers.collect::<Result<Vec<_>>>()?;
    work(workers, &names, record, &mut summary)?;
    Ok(summary)
}

fn work(workers: Vec<Worker>, names: &[String], record: Record, summary: &mut Summary) -> Result<()> {
    let bar = bar("photographs", names.len());
    let (next, shared) = (AtomicUsize::new(0), Mutex::new((record, summary)));
    let run = |mut worker: Worker| -> Result<()> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let entry = worker.look(name)?;
            let mut guard = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (record, summary) = &mut *guard;
            summary.photographs += 1;
            summary.crops += entry.faces.len();
            if let Some(reason) = &entry.skipped {
                // The part before the colon is the kind of reason; what follows differs from file to file.
                let kind = reason.split(':').next().unwrap_or_default().to_string();
                *summary.skipped.entry(kind).or_default() += 1;
            }
            record.add(&entry)?;
            bar.inc(1);
        }
        Ok(())
    };
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = workers.into_iter().map(|w| scope.spawn(|| run(w))).collect();
        threads
            .into_iter()
            .try_for_each(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    bar.finish_and_clear();
    done
}

struct Worker<'a> {
    detector: Detector,
    found: Vec<Detection>,
    photos: &'a Path,
    out: &'a Path,
    choice: Choice,
    shared: &'a HashSet<String>,
}

impl Worker<'_> {
    fn look(&mut self, name: &str) -> Result<Entry> {
        let skipped =
            |reason: String| Entry { source: name.into(), faces: Vec::new(), skipped: Some(reason) };
        let photograph = match photo::load(&self.photos.join(name), &PhotoLimits::default()) {
            Ok(photograph) => photograph,
            Err(error) => return Ok(skipped(format!("cannot be read: {}", error.cause))),
        };
        if let Err(error) = self.detector.detect(&photograph, &mut self.found) {
            return Ok(skipped(format!("the detector failed: {error}")));
        }
        if self.found.is_empty() {
            return Ok(skipped("no face found".into()));
        }
        self.found.retain(|face| face.face.w >= self.choice.smallest);
        self.found.sort_by(|a, b| b.face.w.total_cmp(&a.face.w));
        self.found.truncate(if self.choice.largest { 1 } else { usize::MAX });
        let mut faces = Vec::new();
        let mut crop = AlignedFace::new();
        for (number, face) in self.found.iter().enumerate() {
            if align(&photograph, &face.landmarks, &mut crop).is_ok() {
                let file = crop_name(name, number, self.shared);
                let path = self.out.join(&file);
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)
                        .with_context(|| format!("{}: cannot be made", folder.display()))?;
                }
                photo::save_png(crop.image(), &path)?;
                faces.push(Taken::new(file, face));
            }
        }
        if faces.is_empty() {
            return Ok(skipped("all faces too small or not to be aligned".into()));
        }
        Ok(Entry { source: name.into(), faces, skipped: None })
    }
}

/// Names without their ending that several photographs have.
fn shared_stems(names: &[String]) -> HashSet<String> {
    let mut met = HashSet::new();
    names.iter().map(|n| stem(n)).filter(|stem| !met.insert(*stem)).map(String::from).collect()
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// `anna/holiday.jpg` -> `anna/holiday-0.png`: the folder, which may be the person, stays; so does the ending
/// where two photographs differ in nothing else.
fn crop_name(source: &str, number: usize, shared: &HashSet<String>) -> PathBuf {
    let name = if shared.contains(stem(source)) { source } else { stem(source) };
    PathBuf::from(format!("{name}-{number}.png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_never_share_a_name() {
        let names = ["a/x.jpg", "a/y.jpg", "a/y.png", "b/x.jpg"].map(String::from);
        let shared = shared_stems(&names);
        let crops = names.each_ref().map(|n| crop_name(n, 1, &shared));
        let expected = ["a/x-1.png", "a/y.jpg-1.png", "a/y.png-1.png", "b/x-1.png"].map(PathBuf::from);
        assert_eq!(crops, expected);
    }
}
