//! IJB-B and IJB-C, 1:1: templates pooled from many pictures, compared in a stream.

use super::Tally;
use super::engine::{Engine, Face, Picture, Preparation, bar};
use super::outcome::{Figures, Outcome, TemplateFigures, tar_at_fars};
use anyhow::{Context, Result, anyhow, ensure};
use mfn_template::Template;
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{Landmarks, Point};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// One picture of a template.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    file: String,
    medium: u32,
    points: Landmarks,
    score: f32,
}

/// Runs `ijb-b` or `ijb-c` on the folder with `meta/` and `loose_crop/`.
///
/// # Errors
/// When a list is missing or broken, or a picture is.
pub fn ijb(engine: &Engine, name: &str, root: &Path) -> Result<Outcome> {
    let prefix = name.replace('-', "");
    let meta = |file: &str| root.join("meta").join(format!("{prefix}_{file}.txt"));
    let marks = read_marks(&meta("name_5pts_score"))?;
    let templates = read_templates(&meta("face_tid_mid"), &marks)?;
    drop(marks);
    let crops = root.join("loose_crop");
    let ids: Vec<u32> = templates.keys().copied().collect();
    let pooled = engine.map(name, ids.len(), Preparation::default(), |i, embed| {
        pool_template(&templates[&ids[i]], &crops, embed)
    })?;
    let faces_not_found: Vec<String> = pooled.iter().flat_map(|(_, missed)| missed.clone()).collect();
    let by_id: HashMap<u32, Template> = ids.into_iter().zip(pooled.into_iter().map(|(t, _)| t)).collect();
    let (tally, pairs) = score_pairs(&meta("template_pair_label"), &by_id)?;
    let tar_at_far = tar_at_fars(&tally, &[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]);
    let figures = Figures::Templates(TemplateFigures { pairs, templates: by_id.len(), tar_at_far });
    Ok(Outcome { name: name.into(), figures, faces_not_found })
}

/// Calls `line` with the words of each line.
fn each_line(path: &Path, mut line: impl FnMut(&[&str]) -> Option<()>) -> Result<()> {
    let within = || format!("data {}: cannot be read", path.display());
    for text in BufReader::new(File::open(path).with_context(within)?).lines() {
        let text = text.with_context(within)?;
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        if !words.is_empty() {
            line(&words).with_context(|| format!("data {}: it has the line `{text}`", path.display()))?;
        }
    }
    Ok(())
}

type Marks = HashMap<String, (Landmarks, f32)>;

/// `NAME x1 y1 ... x5 y5 SCORE`.
fn read_marks(path: &Path) -> Result<Marks> {
    let mut marks = Marks::new();
    each_line(path, |words| {
        let numbers: Vec<f32> = words[1..].iter().map(|w| w.parse().ok()).collect::<Option<_>>()?;
        let [xy @ .., score] = &numbers[..] else { return None };
        let points: Vec<Point> = xy.chunks_exact(2).map(|p| Point { x: p[0], y: p[1] }).collect();
        marks.insert(words[0].to_string(), (Landmarks(points.try_into().ok()?), *score));
        (xy.len() == 10).then_some(())
    })?;
    Ok(marks)
}

/// `NAME TEMPLATE MEDIUM`, as pictures of each template.
fn read_templates(path: &Path, marks: &Marks) -> Result<BTreeMap<u32, Vec<Entry>>> {
    let mut templates: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
    each_line(path, |words| {
        let [file, template, medium] = words else { return None };
        let (points, score) = *marks.get(*file)?;
        let entry = Entry { file: file.to_string(), medium: medium.parse().ok()?, points, score };
        templates.entry(template.parse().ok()?).or_default().push(entry);
        Some(())
    })?;
    ensure!(!templates.is_empty(), "data {}: it lists no picture", path.display());
    Ok(templates)
}

fn pool_template(
    entries: &[Entry],
    crops: &Path,
    embed: &mut dyn FnMut(&Picture) -> Result<Face>,
) -> Result<(Template, Vec<String>)> {
    let mut features = Vec::with_capacity(entries.len());
    let mut missed = Vec::new();
    for entry in entries {
        let path: PathBuf = crops.join(&entry.file);
        let picture = photo::load(&path, &PhotoLimits::default()).map_err(|e| anyhow!("data {e}"))?;
        let face = embed(&Picture::Marked(picture, entry.points))?;
        if !face.found {
            missed.push(entry.file.clone());
        }
        let template = face.flip.unwrap_or(face.plain);
        features.push((entry.medium, entry.score, template.values().to_vec()));
    }
    Ok((Template::normalise(&pool(&features))?, missed))
}

/// InsightFace's pooling: features weighted by the detector's score; the mean within each medium; the sum over
/// media. Each entry is medium, score, features.
pub fn pool(entries: &[(u32, f32, Vec<f32>)]) -> Vec<f32> {
    let mut media: BTreeMap<u32, (usize, Vec<f64>)> = BTreeMap::new();
    for (medium, score, features) in entries {
        let (count, sum) = media.entry(*medium).or_insert_with(|| (0, vec![0.0; features.len()]));
        *count += 1;
        sum.iter_mut().zip(features).for_each(|(s, f)| *s += f64::from(*score) * f64::from(*f));
    }
    let dimension = entries.first().map_or(0, |(_, _, f)| f.len());
    let mut total = vec![0.0_f64; dimension];
    for (count, sum) in media.into_values() {
        total.iter_mut().zip(sum).for_each(|(t, s)| *t += s / count as f64);
    }
    total.into_iter().map(|v| v as f32).collect()
}

/// `TEMPLATE TEMPLATE LABEL` a line, counted as they come: memory does not grow with the list.
fn score_pairs(path: &Path, templates: &HashMap<u32, Template>) -> Result<(Tally, u64)> {
    let (mut tally, mut pairs) = (Tally::default(), 0);
    let bar = bar("comparisons", 0);
    bar.set_length(std::fs::metadata(path).map_or(0, |m| m.len()) / 14);
    each_line(path, |words| {
        let [a, b, label] = words else { return None };
        let get = |id: &str| templates.get(&id.parse().ok()?);
        tally.add(get(a)?.similarity(get(b)?), *label == "1");
        pairs += 1;
        if pairs % 65_536 == 0 {
            bar.set_position(pairs);
        }
        matches!(*label, "0" | "1").then_some(())
    })?;
    bar.finish_and_clear();
    Ok((tally, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn pooling_worked_out_by_hand() {
        let pooled = pool(&[(7, 0.5, vec![1.0, 0.0]), (7, 1.0, vec![0.0, 1.0]), (9, 0.25, vec![1.0, 1.0])]);
        // Medium 7: (0.5, 1.0) / 2 = (0.25, 0.5); medium 9: (0.25, 0.25).
        assert_eq!(pooled, [0.5, 0.75]);
    }

    #[test]
    fn lists_are_read_and_pairs_scored() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let marks = write("marks", "1.jpg 1 2 3 4 5 6 7 8 9 10 0.9\n2.jpg 1 2 3 4 5 6 7 8 9 10 0.5\n");
        let marks = read_marks(&marks).unwrap();
        assert_eq!(marks["2.jpg"].1, 0.5);
        let templates =
            read_templates(&write("tid", "1.jpg 1 10\n2.jpg 1 11\n1.jpg 3 12\n"), &marks).unwrap();
        assert_eq!((templates[&1].len(), templates[&3][0].medium), (2, 12));
        let error = read_templates(&write("tid", "5.jpg 1 10\n"), &marks).unwrap_err().to_string();
        assert!(error.contains("`5.jpg 1 10`"), "{error}");
        let unit = |x: f32, y: f32| Template::normalise(&[x, y]).unwrap();
        let by_id = HashMap::from([(1, unit(1.0, 0.0)), (2, unit(0.8, 0.6)), (3, unit(0.0, 1.0))]);
        let (tally, pairs) = score_pairs(&write("pairs", "1 2 1\n1 3 0\n2 3 0\n"), &by_id).unwrap();
        // Scores 0.8 mated; 0 and 0.6 non-mated.
        assert_eq!((pairs, tally.trials()), (3, (1, 2)));
        assert_eq!(tally.tar_at_far(0.0).tar, 1.0);
        assert!(score_pairs(&write("pairs", "1 4 0\n"), &by_id).is_err());
        let mut many = String::new();
        (0..3).for_each(|_| writeln!(many, "1 2 2").unwrap());
        assert!(score_pairs(&write("pairs", &many), &by_id).is_err(), "labels are 0 and 1");
    }

    /// `cargo test --workspace --lib -- --ignored ijb_c_sized --nocapture`; prints seconds and resident memory.
    #[test]
    #[ignore = "writes a list of 230 MB and scores 15.7 million pairs"]
    fn an_ijb_c_sized_list_is_scored_in_bounded_memory() {
        const TEMPLATES: u32 = 23_124;
        const PAIRS: u64 = 15_658_489;
        let mut rng = fastrand::Rng::with_seed(1);
        let mut random =
            || Template::normalise(&std::array::from_fn::<f32, 512, _>(|_| rng.f32() - 0.5)).unwrap();
        let by_id: HashMap<u32, Template> = (0..TEMPLATES).map(|id| (id, random())).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs");
        let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
        for _ in 0..PAIRS {
            let (a, b) = (rng.u32(..TEMPLATES), rng.u32(..TEMPLATES));
            std::io::Write::write_fmt(&mut file, format_args!("{a} {b} {}\n", u8::from(a == b))).unwrap();
        }
        drop(file);
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap().to_string();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
        };
        let (before, began) = (resident(), std::time::Instant::now());
        let (_, pairs) = score_pairs(&path, &by_id).unwrap();
        let (after, seconds) = (resident(), began.elapsed().as_secs_f64());
        println!(
            "{pairs} pairs in {seconds:.1} s, {:.2} million a second; {before} MiB before, {after} after",
            pairs as f64 / 1e6 / seconds
        );
        assert!(pairs == PAIRS && after < before + 64);
    }
}
