//! A labelled folder: all mated and non-mated pairs, and open-set searches.

use super::Tally;
use super::engine::{Engine, Face, Picture, Preparation};
use super::identification::{Search, open_set};
use super::outcome::{Figures, LabelledFigures, OpenSetFigures, Outcome, tar_at_fars};
use super::pictures::Pictures;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// The FPIRs at which a door might be run.
const FPIRS: [f64; 2] = [1e-2, 1e-3];

/// Runs the benchmark on a folder or archive whose folders are people.
///
/// # Errors
/// When there are fewer than two people, nobody has two pictures, or a picture is broken.
pub fn labelled(engine: &Engine, path: &Path, galleries: &[usize]) -> Result<Outcome> {
    let pictures = Pictures::open(path)?;
    let people = people(&pictures);
    ensure!(
        people.len() >= 2 && people.iter().any(|p| p.len() >= 2),
        "data {}: wanted are folders of at least two people, one of them with two pictures",
        path.display()
    );
    let count = pictures.members().len();
    let read = |i: usize| Ok(Picture::Photograph(pictures.read(i)?));
    let faces = engine.embed("folder", count, Preparation::default(), read)?;
    let tally = all_pairs(&faces, &people);
    let equal = tally.equal_error().context("there is no mated or no non-mated pair")?;
    let open_set = galleries.iter().flat_map(|n| searches(&faces, &people, *n)).collect();
    let missed = faces.iter().enumerate().filter(|(_, f)| !f.found);
    let faces_not_found = missed.map(|(i, _)| pictures.name(i).to_string()).collect();
    let figures = Figures::Labelled(Box::new(LabelledFigures {
        pictures: count,
        people: people.len(),
        tar_at_far: tar_at_fars(&tally, &[1e-6, 1e-5, 1e-4, 1e-3, 1e-2]),
        equal_error_fmr: equal.fmr,
        equal_error_fnmr: equal.fnmr,
        equal_error_threshold: equal.threshold,
        open_set,
        det: tally.curve(),
    }));
    Ok(Outcome { name: "folder".into(), figures, faces_not_found })
}

/// The pictures of each person, people by name.
fn people(pictures: &Pictures) -> Vec<Vec<usize>> {
    let mut people: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, member) in pictures.members().iter().enumerate() {
        people.entry(member.folder().unwrap_or_default().to_string()).or_default().push(i);
    }
    people.into_values().collect()
}

fn all_pairs(faces: &[Face], people: &[Vec<usize>]) -> Tally {
    let mut owner = vec![0; faces.len()];
    for (number, pictures) in people.iter().enumerate() {
        pictures.iter().for_each(|p| owner[*p] = number);
    }
    let mut tally = Tally::default();
    for (i, a) in faces.iter().enumerate() {
        for (j, b) in faces.iter().enumerate().skip(i + 1) {
            tally.add(a.plain.similarity(&b.plain), owner[i] == owner[j]);
        }
    }
    tally
}

/// Enrols the first picture of `size` people who have more, every second one by name; their other pictures are
/// the mated searches, everybody else's the non-mated ones. Nothing where there are not that many people.
fn searches(faces: &[Face], people: &[Vec<usize>], size: usize) -> Vec<OpenSetFigures> {
    let enrolled: Vec<usize> =
        (0..people.len()).filter(|p| people[*p].len() >= 2).step_by(2).take(size).collect();
    if enrolled.len() < size || size == 0 {
        return Vec::new();
    }
    let search = |picture: usize, person: usize| {
        let best =
            enrolled.iter().map(|e| (faces[picture].plain.similarity(&faces[people[*e][0]].plain), *e));
        let (score, found) = best.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((-1.0, person));
        Search { score, right: found == person }
    };
    let (mut mated, mut non_mated) = (Vec::new(), Vec::new());
    for (person, pictures) in people.iter().enumerate() {
        let is_enrolled = enrolled.binary_search(&person).is_ok();
        let searched = if is_enrolled { &pictures[1..] } else { &pictures[..] };
        let of = searched.iter().map(|p| search(*p, person));
        if is_enrolled { mated.extend(of) } else { non_mated.extend(of) }
    }
    if non_mated.is_empty() {
        return Vec::new();
    }
    FPIRS.iter().map(|wanted| open_set(size, *wanted, &mated, &non_mated)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_template::Template;

    fn face(angle: f32) -> Face {
        let plain = Template::normalise(&[angle.cos(), angle.sin()]).unwrap();
        Face { plain, flip: None, found: true, quality: None }
    }

    #[test]
    fn pairs_and_searches_worked_out_by_hand() {
        // Two people with two pictures each and a stranger: angles in radians, similarity cos of differences.
        let faces: Vec<Face> = [0.0, 0.1, 1.0, 1.1, 2.0].into_iter().map(face).collect();
        let people = vec![vec![0, 1], vec![2, 3], vec![4]];
        let tally = all_pairs(&faces, &people);
        assert_eq!(tally.trials(), (2, 8));
        assert_eq!(tally.tar_at_far(0.0).tar, 1.0);
        // Only the first is enrolled (every second one): picture 1 finds it at cos 0.1; the others are at most
        // cos 1.0 near it.
        let figures = searches(&faces, &people, 1);
        assert_eq!((figures[0].fnir.count, figures[0].fnir.trials), (0, 1));
        assert_eq!((figures[0].fpir.count, figures[0].fpir.trials), (0, 3));
        assert!(searches(&faces, &people, 2).is_empty());
    }
}
