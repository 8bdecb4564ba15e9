//! Every protocol by which a recogniser is measured, on the device's own detector, alignment and inference.

mod det;
pub mod engine;
mod folds;
mod identification;
mod ijb;
mod labelled;
pub mod outcome;
mod pairs;
mod paper;
mod pickle;
pub mod pictures;
pub mod report;
mod tally;
mod tinyface;
mod verification;

pub use det::draw;
pub use engine::Engine;
pub use folds::Folded;
pub use mfn_rates::Rate;
pub use outcome::{Figures, Outcome, PairFigures, pair_figures};
pub use tally::{ErrorRates, Tally, TarAtFar};
pub use verification::packed_pairs;

use anyhow::{Result, anyhow, bail, ensure};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use verification::{PairLayout, pairs_benchmark, rfw};

/// A benchmark and where its data is: `NAME=PATH` on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Benchmark {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pairs(&'static str, PairLayout),
    Rfw,
    TinyFace,
    Ijb(&'static str),
    Labelled,
}

/// All benchmarks by name.
const KINDS: [(&str, Kind); 12] = [
    ("lfw", Kind::Pairs("lfw", PairLayout::Lfw)),
    ("calfw", Kind::Pairs("calfw", PairLayout::TwoLines)),
    ("cplfw", Kind::Pairs("cplfw", PairLayout::TwoLines)),
    ("cfp-fp", Kind::Pairs("cfp-fp", PairLayout::Cfp("FP"))),
    ("cfp-ff", Kind::Pairs("cfp-ff", PairLayout::Cfp("FF"))),
    ("agedb-30", Kind::Pairs("agedb-30", PairLayout::Lfw)),
    ("xqlfw", Kind::Pairs("xqlfw", PairLayout::Lfw)),
    ("rfw", Kind::Rfw),
    ("tinyface", Kind::TinyFace),
    ("ijb-b", Kind::Ijb("ijb-b")),
    ("ijb-c", Kind::Ijb("ijb-c")),
    ("folder", Kind::Labelled),
];

impl FromStr for Benchmark {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((name, path)) = text.split_once('=') else { bail!("`{text}` is not NAME=PATH") };
        let known = KINDS.iter().find(|(known, _)| *known == name);
        let names = || KINDS.map(|(name, _)| name).join(", ");
        let (_, kind) =
            known.ok_or_else(|| anyhow!("no benchmark is called `{name}`; there are {}", names()))?;
        Ok(Self { kind: *kind, path: path.into() })
    }
}

impl Benchmark {
    /// What it is called on the command line.
    pub fn name(&self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name)
    }

    /// Where its data is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A wrong path is found before the work begins.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn check_path(&self) -> Result<()> {
        ensure!(self.path.exists(), "{}: there is nothing", self.path.display());
        Ok(())
    }

    /// Whether it decides pairs in folds.
    pub fn has_pairs(&self) -> bool {
        matches!(self.kind, Kind::Pairs(..) | Kind::Rfw)
    }

    /// Runs it; RFW gives one outcome a group and one of all.
    ///
    /// # Errors
    /// When the data is missing, incomplete or broken.
    pub fn run(&self, engine: &Engine, galleries: &[usize]) -> Result<Vec<Outcome>> {
        match self.kind {
            Kind::Pairs(name, layout) => Ok(vec![pairs_benchmark(engine, name, &self.path, layout)?]),
            Kind::Rfw => rfw(engine, &self.path),
            Kind::TinyFace => Ok(vec![tinyface::tinyface(engine, &self.path)?]),
            Kind::Ijb(name) => Ok(vec![ijb::ijb(engine, name, &self.path)?]),
            Kind::Labelled => Ok(vec![labelled::labelled(engine, &self.path, galleries)?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmarks_are_named_on_the_command_line() {
        let benchmark: Benchmark = "lfw=data/lfw".parse().unwrap();
        assert_eq!(benchmark.path(), Path::new("data/lfw"));
        assert!("lfw".parse::<Benchmark>().unwrap_err().to_string().contains("NAME=PATH"));
        assert!("megaface=x".parse::<Benchmark>().unwrap_err().to_string().contains("cfp-fp"));
    }
}
