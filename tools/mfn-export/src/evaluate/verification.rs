//! The benchmarks of pairs: LFW, CALFW, CPLFW, AgeDB-30, CFP, RFW, XQLFW.

use super::engine::{Engine, Face, Picture, Preparation};
use super::folds::{Folded, consecutive_fold};
use super::outcome::{Figures, Outcome, PairFigures, group_figures, pair_figures};
use super::pairs::{self, Pair};
use super::pickle;
use super::pictures::{Pictures, list};
use crate::data::picture;
use crate::metrics::Scored;
use anyhow::{Context, Result, anyhow};
use std::collections::HashMap;
use std::path::Path;

/// RFW's groups, as its folders are called.
pub const GROUPS: [&str; 4] = ["Asian", "African", "Caucasian", "Indian"];
/// CFP's crops are close: half a face of black around them lets the detector see them as faces.
const CLOSE_CROPS: Preparation = Preparation { border: 0.5, centre: 1.0 };

/// How a benchmark lists its pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairLayout {
    /// `pairs.txt` of LFW.
    Lfw,
    /// Two lines a pair: CALFW, CPLFW.
    TwoLines,
    /// CFP's protocol folder: `FP` or `FF`.
    Cfp(&'static str),
}

/// Runs a benchmark of pairs in folds, from its publisher's layout or InsightFace's `.bin`.
///
/// # Errors
/// When the data is incomplete or broken.
pub fn pairs_benchmark(engine: &Engine, name: &str, path: &Path, layout: PairLayout) -> Result<Outcome> {
    if path.extension().is_some_and(|e| e == "bin") {
        return bin(engine, name, path);
    }
    let within = |e: anyhow::Error| anyhow!("{name}: {e:#}");
    match layout {
        PairLayout::Lfw => {
            let text = list(path, &["pairs.txt", "xqlfw_pairs.txt", "pairs_xqlfw.txt"])?;
            listed(engine, name, path, pairs::lfw(&text).map_err(within)?, Preparation::default())
        }
        PairLayout::TwoLines => {
            let lists = ["pairs_CALFW.txt", "pairs_CPLFW.txt", "pairs.txt"];
            let text = list(path, &lists)?;
            listed(engine, name, path, pairs::two_lines(&text).map_err(within)?, Preparation::default())
        }
        PairLayout::Cfp(kind) => {
            listed(engine, name, path, cfp_pairs(path, kind).map_err(within)?, CLOSE_CROPS)
        }
    }
}

/// RFW: `GROUP.bin` files, or folders `GROUP` with lists of pairs beside or in them.
///
/// # Errors
/// When a group is missing or broken.
pub fn rfw(engine: &Engine, path: &Path) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let mut accuracies = Vec::new();
    for group in GROUPS {
        let outcome = rfw_group(engine, path, group)?;
        if let Figures::Pairs(figures) = &outcome.figures {
            accuracies.push(figures.accuracy_percent);
        }
        outcomes.push(outcome);
    }
    let figures = Figures::Groups(group_figures(&accuracies));
    outcomes.push(Outcome { name: "rfw".into(), figures, faces_not_found: Vec::new() });
    Ok(outcomes)
}

fn rfw_group(engine: &Engine, path: &Path, group: &str) -> Result<Outcome> {
    let name = format!("rfw-{}", group.to_lowercase());
    let file = path.join(format!("{group}.bin"));
    let other = path.join(format!("{}_test.bin", group.to_lowercase()));
    if let Some(found) = [file, other].into_iter().find(|f| f.is_file()) {
        return bin(engine, &name, &found);
    }
    let lists = [
        format!("{group}_pairs.txt"),
        format!("txts/{group}/{group}_pairs.txt"),
        format!("{group}/{group}_pairs.txt"),
        format!("{group}/pairs.txt"),
    ];
    let text = list(path, &lists.each_ref().map(String::as_str))?;
    let below = [path.join("data").join(group), path.join(group)];
    let pictures = below.into_iter().find(|p| p.is_dir());
    let pictures = pictures.with_context(|| format!("data {}: no folder {group}", path.display()))?;
    let pairs = pairs::lfw(&text).map_err(|e| anyhow!("{name}: {e:#}"))?;
    listed(engine, &name, &pictures, pairs, Preparation::default())
}

fn cfp_pairs(root: &Path, kind: &str) -> Result<Vec<Pair<String>>> {
    let lists = |letter: &str| list(root, &[&format!("Protocol/Pair_list_{letter}.txt")]);
    let frontal = pairs::cfp_list(&lists("F")?)?;
    let second = if kind == "FP" { pairs::cfp_list(&lists("P")?)? } else { frontal.clone() };
    let mut all = Vec::new();
    for fold in 0..10 {
        for (file, mated) in [("same", true), ("diff", false)] {
            let text = list(root, &[&format!("Protocol/Split/{kind}/{:02}/{file}.txt", fold + 1)])?;
            all.extend(pairs::cfp_split(&text, [&frontal, &second], mated, fold)?);
        }
    }
    Ok(all)
}

/// Pairs of names: each picture is embedded once.
fn listed(
    engine: &Engine,
    name: &str,
    path: &Path,
    pairs: Vec<Pair<String>>,
    preparation: Preparation,
) -> Result<Outcome> {
    let pictures = Finder::open(path)?;
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut order = Vec::new();
    let mut place = |name: &str| -> Result<usize> {
        let member = pictures.find(name)?;
        Ok(*numbers.entry(member).or_insert_with(|| {
            order.push(member);
            order.len() - 1
        }))
    };
    let pairs = pairs
        .iter()
        .map(|p| Ok(Pair { a: place(&p.a)?, b: place(&p.b)?, mated: p.mated, fold: p.fold }))
        .collect::<Result<Vec<_>>>()?;
    let read = |i: usize| Ok(Picture::Photograph(pictures.pictures.read(order[i])?));
    let faces = engine.embed(name, order.len(), preparation, read)?;
    let missed = faces.iter().zip(&order).filter(|(f, _)| !f.found);
    let faces_not_found = missed.map(|(_, i)| pictures.pictures.name(*i).to_string()).collect();
    Ok(Outcome { name: name.into(), figures: Figures::Pairs(figures(&faces, &pairs)?), faces_not_found })
}

/// Pictures by the last one, two or three parts of their path: lists differ in how much they give.
struct Finder {
    pictures: Pictures,
    by_three: HashMap<String, usize>,
    by_file: HashMap<String, usize>,
}

impl Finder {
    fn open(path: &Path) -> Result<Self> {
        let pictures = Pictures::open(path)?;
        let index = |parts| {
            let members = pictures.members().iter().enumerate();
            members.map(|(i, m)| (super::pictures::end(&m.name, parts), i)).collect()
        };
        Ok(Self { by_three: index(3), by_file: index(1), pictures })
    }

    fn find(&self, name: &str) -> Result<usize> {
        let found = match name.matches('/').count() {
            0 => self.by_file.get(&super::pictures::end(name, 1)),
            1 => return self.pictures.find(name),
            _ => self.by_three.get(&super::pictures::end(name, 3)),
        };
        found.copied().with_context(|| format!("the picture {name} of the list is missing"))
    }
}

/// InsightFace's packing: crops, aligned already.
fn bin(engine: &Engine, name: &str, path: &Path) -> Result<Outcome> {
    let within = |e: anyhow::Error| anyhow!("{name}: {}: {e:#}", path.display());
    let bytes = std::fs::read(path).map_err(|e| within(e.into()))?;
    let bin = pickle::parse(&bytes).map_err(within)?;
    let read = |i: usize| {
        let picture = picture(&bytes[bin.pictures[i].clone()]);
        Ok(Picture::Photograph(picture.map_err(|e| within(e.context(format!("picture {i}"))))?))
    };
    let faces = engine.embed(name, bin.pictures.len(), Preparation::default(), read)?;
    let count = bin.mated.len();
    let pair = |(i, mated): (usize, &bool)| Pair {
        a: 2 * i,
        b: 2 * i + 1,
        mated: *mated,
        fold: consecutive_fold(i, count, 10),
    };
    let pairs: Vec<Pair<usize>> = bin.mated.iter().enumerate().map(pair).collect();
    let missed = faces.iter().enumerate().filter(|(_, f)| !f.found);
    let faces_not_found = missed.map(|(i, _)| format!("picture {i}")).collect();
    Ok(Outcome { name: name.into(), figures: Figures::Pairs(figures(&faces, &pairs)?), faces_not_found })
}

/// The encoded crops of InsightFace's packing, and for each two consecutive ones whether they are mated.
///
/// # Errors
/// When the file cannot be read or is not of that form.
pub fn packed_pairs(path: &Path) -> Result<(Vec<Vec<u8>>, Vec<bool>)> {
    let bytes = std::fs::read(path)?;
    let bin = pickle::parse(&bytes)?;
    Ok((bin.pictures.into_iter().map(|place| bytes[place].to_vec()).collect(), bin.mated))
}

fn figures(faces: &[Face], pairs: &[Pair<usize>]) -> Result<PairFigures> {
    let scored = |score: &dyn Fn(&Face, &Face) -> f32| -> Vec<Folded> {
        let one = |p: &Pair<usize>| {
            let scored = Scored { score: score(&faces[p.a], &faces[p.b]), mated: p.mated };
            let qualities = faces[p.a].quality.zip(faces[p.b].quality);
            Folded { scored, fold: p.fold, quality: qualities.map(|(a, b)| a.min(b)) }
        };
        pairs.iter().map(one).collect()
    };
    let mut figures = pair_figures(&scored(&|a, b| a.plain.similarity(&b.plain)))?;
    if faces.iter().all(|f| f.flip.is_some()) {
        let flip = |a: &Face, b: &Face| match (&a.flip, &b.flip) {
            (Some(a), Some(b)) => a.similarity(b),
            _ => unreachable!("all faces have both templates"),
        };
        figures.flip = Some(Box::new(pair_figures(&scored(&flip))?));
    }
    Ok(figures)
}
