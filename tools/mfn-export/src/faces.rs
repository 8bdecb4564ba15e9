//! A small, reproducible choice of aligned crops from a folder or archive whose folders are people.

use crate::evaluate::pictures::Pictures;
use crate::metrics::Scored;
use anyhow::{Result, ensure};
use mfn_engine::{Guard, ModelFolder, Recogniser};
use mfn_template::Template;
use mfn_vision::AlignedFace;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many pictures of one person come before the rest, so that a few hundred hold many people and pairs.
const OF_ONE_PERSON: usize = 4;

/// An aligned crop.
pub struct Crop {
    /// The picture.
    pub face: AlignedFace,
    /// Number of the person; `None` for a picture in no folder.
    pub person: Option<usize>,
}

/// Reads at most `limit` crops; the same seed chooses the same ones.
///
/// # Errors
/// When fewer than two are asked for or found; says what else there was.
pub fn read(path: &Path, limit: usize, seed: u64) -> Result<Vec<Crop>> {
    ensure!(limit >= 2, "{limit} crops are too few to compare; at least 2 are needed");
    let pictures = Pictures::open(path)?;
    let (mut crops, mut others) = (Vec::new(), 0);
    for (number, person) in order(&pictures, seed) {
        if crops.len() == limit {
            break;
        }
        match pictures.read(number).map(|picture| AlignedFace::from_rgb(&picture)) {
            Ok(Some(face)) => crops.push(Crop { face, person }),
            Ok(None) => others += 1,
            Err(error) => {
                log::warn!("skipped: {error:#}");
                others += 1;
            }
        }
    }
    ensure!(
        crops.len() >= 2,
        "data {}: it holds {} aligned crops of 112x112 and {others} other pictures; `mfn-export prepare` makes crops of photographs",
        path.display(),
        crops.len()
    );
    if others > 0 {
        log::warn!("data {}: passed over {others} pictures that are no crops of 112x112", path.display());
    }
    Ok(crops)
}

/// All pictures with the number of their person: some of each person, people in random order, then the rest.
fn order(pictures: &Pictures, seed: u64) -> Vec<(usize, Option<usize>)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut people: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (number, member) in pictures.members().iter().enumerate() {
        people.entry(member.folder()).or_default().push(number);
    }
    let mut people: Vec<_> =
        people.into_iter().enumerate().map(|(i, (name, n))| (name.map(|_| i), n)).collect();
    people.iter_mut().for_each(|(_, numbers)| rng.shuffle(numbers));
    rng.shuffle(&mut people);
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (person, numbers) in people {
        let mut all = numbers.into_iter().map(|number| (number, person));
        first.extend(all.by_ref().take(OF_ONE_PERSON));
        rest.extend(all);
    }
    first.extend(rest);
    first
}

/// Templates of crops by the folder's chosen network, which is not tried in a guard again.
///
/// # Errors
/// When the network is not taken by the engine, or fails.
pub fn templates(folder: &ModelFolder, crops: &[Crop], threads: usize) -> Result<Vec<Template>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Template)>> {
        let mut recogniser = Recogniser::load(folder, &Guard::trusted())?;
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(crop) = crops.get(i) else { return Ok(done) };
            done.push((i, recogniser.embed(&crop.face)?));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let join = |w: std::thread::ScopedJoinHandle<'_, Result<Vec<(usize, Template)>>>| {
            w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?
    .concat();
    all.sort_by_key(|(i, _)| *i);
    Ok(all.into_iter().map(|(_, template)| template).collect())
}

/// All pairs of crops whose people are known.
pub fn pairs(templates: &[Template], crops: &[Crop]) -> Vec<Scored> {
    let labelled: Vec<(&Template, usize)> =
        templates.iter().zip(crops).filter_map(|(t, crop)| Some((t, crop.person?))).collect();
    let with = |(i, (a, person)): (usize, &(&Template, usize))| {
        let (a, person) = (*a, *person);
        let score =
            move |(b, other): &(&Template, usize)| Scored { score: a.similarity(b), mated: person == *other };
        labelled[i + 1..].iter().map(score).collect::<Vec<_>>()
    };
    labelled.iter().enumerate().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_crop_is_refused() {
        let at = tempfile::tempdir().unwrap();
        assert!(read(at.path(), 9, 1).err().unwrap().to_string().contains("no picture"));
        image::RgbImage::new(200, 100).save(at.path().join("hall.png")).unwrap();
        let error = read(at.path(), 9, 1).err().unwrap().to_string();
        assert!(error.contains("1 other pictures") && error.contains("prepare"), "{error}");
        assert!(read(at.path(), 1, 1).err().unwrap().to_string().contains("at least 2"));
    }

    #[test]
    fn broken_pictures_are_passed_over() {
        let at = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png"] {
            image::RgbImage::new(112, 112).save(at.path().join(name)).unwrap();
        }
        std::fs::write(at.path().join("c.png"), b"no picture").unwrap();
        assert_eq!(read(at.path(), 9, 1).unwrap().len(), 2);
    }

    #[test]
    fn each_person_comes_before_anybodys_fifth_picture() {
        let at = tempfile::tempdir().unwrap();
        for (person, count) in [("a", 9), ("b", 2), ("c", 1)] {
            std::fs::create_dir(at.path().join(person)).unwrap();
            for i in 0..count {
                image::RgbImage::new(112, 112).save(at.path().join(format!("{person}/{i}.png"))).unwrap();
            }
        }
        let people = |crops: Vec<Crop>| crops.into_iter().map(|c| c.person).collect::<Vec<_>>();
        let seven = people(read(at.path(), 7, 5).unwrap());
        let count = |n| seven.iter().filter(|p| **p == Some(n)).count();
        assert_eq!([count(0), count(1), count(2)], [4, 2, 1]);
        assert_eq!(people(read(at.path(), 7, 5).unwrap()), seven);
        assert_eq!(read(at.path(), 99, 5).unwrap().len(), 12);
    }
}
