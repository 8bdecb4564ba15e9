//! What lies in the folder of a run: recipe, metrics, checkpoints, the best two.

use super::checkpoint::{Header, save, weights_only, write_whole};
use crate::net::ParameterSet;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// A checkpoint that was kept because it was good.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
struct Kept {
    seen: u64,
    error: f64,
}

impl RunFolder {
    /// Makes the folder of a new run; one that already holds a run is left alone.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = Self { path: path.into() };
        if folder.recipe_path().exists() {
            bail!("{} already holds a run; go on with it by: {}", path.display(), folder.resume_command());
        }
        std::fs::create_dir_all(path).with_context(|| format!("{}: cannot be made", path.display()))?;
        Ok(folder)
    }

    /// The folder of a run that was begun.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.into() };
        if !folder.recipe_path().exists() {
            bail!("{} holds no run: there is no recipe.toml", path.display());
        }
        Ok(folder)
    }

    /// The command that goes on with this run.
    pub fn resume_command(&self) -> String {
        format!("mfn-export train --resume {}", self.path.display())
    }

    /// The recipe as it was when the run began or was last changed.
    pub fn recipe_path(&self) -> PathBuf {
        self.path.join("recipe.toml")
    }

    /// The latest checkpoint.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// Where everything of the run lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the recipe, and beside it the seed, the data's fingerprint and the program's version.
    pub fn write_recipe(&self, recipe: &str, seed: u64, header: &Header) -> Result<()> {
        let about = json!({
            "program": concat!("mfn-export ", env!("CARGO_PKG_VERSION")),
            "network": header.network,
            "seed": seed,
            "data_fingerprint": header.data,
        });
        let failed = || format!("{}: the recipe could not be written", self.path.display());
        write_whole(&self.recipe_path(), recipe.as_bytes()).with_context(failed)?;
        write_whole(&self.path.join("run.json"), format!("{about:#}\n").as_bytes()).with_context(failed)
    }

    /// Appends one line of metrics.
    pub fn log(&self, line: &serde_json::Value) -> Result<()> {
        let path = self.path.join("metrics.jsonl");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut f| f.write_all(format!("{line}\n").as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Drops the metrics of images after `seen`: a resumed run writes them again.
    pub fn rewind_metrics(&self, seen: u64) -> Result<()> {
        let path = self.path.join("metrics.jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        let before = |line: &&str| {
            let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
            value.and_then(|v| v["images"].as_u64()).is_some_and(|images| images <= seen)
        };
        let kept: String = text.lines().filter(before).flat_map(|line| [line, "\n"]).collect();
        write_whole(&path, kept.as_bytes()).with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Keeps these weights as V1 or V2 where they are among the best two; says under which name.
    pub fn keep_if_best(
        &self,
        header: &Header,
        set: &ParameterSet,
        seen: u64,
        error: f64,
    ) -> Result<Option<&'static str>> {
        let mut best = self.best_before(seen)?;
        let place = best.iter().take_while(|kept| kept.error <= error).count();
        if place >= 2 {
            return Ok(None);
        }
        let [first, second, new] = ["v1", "v2", "new"].map(|name| self.weights_path(name));
        // The ones before move only once this one is on the disk.
        save(&new, header, &weights_only(set.clone(), seen))?;
        if place == 0 && !best.is_empty() {
            rename(&first, &second)?;
        }
        rename(&new, if place == 0 { &first } else { &second })?;
        best.insert(place, Kept { seen, error });
        best.truncate(2);
        write_whole(&self.path.join("best.json"), serde_json::to_string(&best)?.as_bytes())?;
        Ok(Some(if place == 0 { "v1" } else { "v2" }))
    }

    /// The best two so far, each in the place of its file. What was seen later does not count (the run was
    /// resumed from before), nor what has no file (the folder was copied in part).
    fn best_before(&self, seen: u64) -> Result<Vec<Kept>> {
        let text = std::fs::read_to_string(self.path.join("best.json")).unwrap_or_default();
        let listed: Vec<Kept> = serde_json::from_str(&text).unwrap_or_default();
        let mut best = Vec::new();
        for (kept, name) in listed.into_iter().zip(["v1", "v2"]) {
            let file = self.weights_path(name);
            if kept.seen < seen && file.exists() {
                if best.is_empty() && name == "v2" {
                    rename(&file, &self.weights_path("v1"))?;
                }
                best.push(kept);
            }
        }
        Ok(best)
    }

    fn weights_path(&self, name: &str) -> PathBuf {
        self.path.join(name).with_extension("safetensors")
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).with_context(|| format!("{}: cannot be renamed", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(folder: &RunFolder, seen: u64, error: f64) -> Option<&'static str> {
        let header = Header { network: "test".into(), data: "none".into() };
        folder.keep_if_best(&header, &ParameterSet::default(), seen, error).unwrap()
    }

    #[test]
    fn the_best_two_are_those_that_have_files() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&place.path().join("run")).unwrap();
        assert_eq!(keep(&folder, 1, 0.5), Some("v1"));
        assert_eq!(keep(&folder, 2, 0.6), Some("v2"));
        assert_eq!(keep(&folder, 3, 0.7), None);
        // Copied in part: what is listed first has no file, so the second moves up.
        std::fs::remove_file(folder.weights_path("v1")).unwrap();
        assert_eq!(keep(&folder, 4, 0.7), Some("v2"));
        assert_eq!(folder.best_before(9).unwrap().iter().map(|k| k.seen).collect::<Vec<_>>(), [2, 4]);
        std::fs::remove_file(folder.weights_path("v1")).unwrap();
        std::fs::remove_file(folder.weights_path("v2")).unwrap();
        assert_eq!(keep(&folder, 5, 0.9), Some("v1"));
        assert!(folder.weights_path("v1").exists() && !folder.weights_path("v2").exists());
    }
}
