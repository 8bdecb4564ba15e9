//! The paper's Sub-WebFace42M: some identities of a large set and some of their pictures, as a list.
//!
//! Two passes over the names; only counts a identity stay in memory.

use crate::data::{Archive, generator};
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What to select.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// How many identities.
    pub identities: usize,
    /// Identities with fewer pictures are left out.
    pub min_images: usize,
    /// No more pictures of one identity than this.
    pub max_images: usize,
    /// The same seed gives the same selection.
    pub seed: u64,
}

/// What was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// Identities in the source.
    pub found: usize,
    /// Of those, the ones with enough pictures.
    pub fitting: usize,
    /// Identities chosen.
    pub identities: usize,
    /// Pictures chosen.
    pub images: usize,
}

/// Writes the chosen names, one a line after a line of the parameters, to `out`.
///
/// # Errors
/// When the source cannot be read, has too few fitting identities, or `out` cannot be written.
pub fn subset(source: &Path, selection: Selection, out: &Path) -> Result<Selected> {
    ensure!(
        selection.identities > 0 && selection.min_images >= 1 && selection.max_images >= selection.min_images,
        "subset: wanted are identities and min-images of at least 1, and max-images of at least min-images"
    );
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    each_name(source, &mut |name| {
        *counts.entry(identity(name).to_string()).or_default() += 1;
        Ok(())
    })?;
    let found = counts.len();
    counts.retain(|_, count| *count as usize >= selection.min_images);
    let fitting = counts.len();
    ensure!(
        fitting >= selection.identities,
        "subset {}: {fitting} of its {found} identities have {} pictures or more, wanted are {}",
        source.display(),
        selection.min_images,
        selection.identities
    );
    let chosen = choose(counts, selection);
    let part = out.with_extension("part");
    let written = write(source, selection, &chosen, &part)
        .and_then(|images| std::fs::rename(&part, out).map(|()| images).with_context(|| unwritten(out)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    let images = written?;
    Ok(Selected { found, fitting, identities: chosen.len(), images })
}

/// Of each chosen identity the places of its pictures in the source's order, rising.
fn choose(counts: BTreeMap<String, u32>, selection: Selection) -> HashMap<String, Vec<u32>> {
    let mut names: Vec<(String, u32)> = counts.into_iter().collect();
    generator(&[selection.seed]).shuffle(&mut names);
    names.truncate(selection.identities);
    let places = |(name, count): (String, u32)| {
        let mut places: Vec<u32> = (0..count).collect();
        // By the name, so that another number of identities does not change whose pictures are chosen.
        let hash = Sha256::digest(name.as_bytes());
        let number = u64::from_le_bytes(hash[..8].try_into().expect("eight bytes"));
        generator(&[selection.seed, number]).shuffle(&mut places);
        places.truncate(selection.max_images);
        places.sort_unstable();
        (name, places)
    };
    names.into_iter().map(places).collect()
}

fn write(
    source: &Path,
    selection: Selection,
    chosen: &HashMap<String, Vec<u32>>,
    out: &Path,
) -> Result<usize> {
    let within = || unwritten(out);
    let mut file = BufWriter::new(File::create(out).with_context(within)?);
    writeln!(file, "# {}", serde_json::to_string(&selection)?).with_context(within)?;
    let (mut met, mut images) = (HashMap::<String, u32>::new(), 0);
    each_name(source, &mut |name| {
        let identity = identity(name);
        let Some(places) = chosen.get(identity) else { return Ok(()) };
        let place = met.entry(identity.to_string()).or_default();
        if places.binary_search(place).is_ok() {
            images += 1;
            writeln!(file, "{name}").with_context(within)?;
        }
        *place += 1;
        Ok(())
    })?;
    file.into_inner().map_err(|e| e.into_error()).and_then(|f| f.sync_all()).with_context(within)?;
    Ok(images)
}

fn unwritten(path: &Path) -> String {
    format!("{}: cannot be written", path.display())
}

fn identity(name: &str) -> &str {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.rsplit('/').next().unwrap_or(folder)
}

/// Calls `each` with every picture's name; folders are walked by name, so that the order is the same anywhere.
fn each_name(source: &Path, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    if source.is_dir() {
        return walk(source, "", each);
    }
    if !source.exists() {
        bail!("subset {}: there is nothing", source.display());
    }
    let (_, members) = Archive::open(source)?;
    members.iter().try_for_each(|m| each(&m.name))
}

fn walk(root: &Path, below: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let within = || format!("subset {}: cannot be read", root.join(below).display());
    let entries = std::fs::read_dir(root.join(below)).with_context(within)?;
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>().with_context(within)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let leaf = entry.file_name().to_string_lossy().into_owned();
        let name = if below.is_empty() { leaf } else { format!("{below}/{leaf}") };
        if entry.file_type().with_context(within)?.is_dir() {
            walk(root, &name, each)?;
        } else if ["jpg", "jpeg", "png", "webp"]
            .iter()
            .any(|e| name.to_lowercase().ends_with(&format!(".{e}")))
        {
            each(&name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_asked_for_and_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("set");
        for (person, pictures) in [("a", 2), ("b", 5), ("c", 9), ("d", 4), ("e", 1)] {
            std::fs::create_dir_all(root.join(person)).unwrap();
            (0..pictures)
                .for_each(|i| std::fs::write(root.join(person).join(format!("{i}.jpg")), "").unwrap());
        }
        let selection = Selection { identities: 2, min_images: 3, max_images: 4, seed: 7 };
        let lists: Vec<String> = (0..2)
            .map(|i| {
                let out = folder.path().join(format!("list-{i}"));
                let selected = subset(&root, selection, &out).unwrap();
                assert_eq!(
                    (selected.found, selected.fitting, selected.identities, selected.images),
                    (5, 3, 2, 8)
                );
                std::fs::read_to_string(out).unwrap()
            })
            .collect();
        assert_eq!(lists[0], lists[1]);
        assert_eq!(lists[0].lines().count(), 9);
        assert!(lists[0].lines().skip(1).all(|l| ["b/", "c/", "d/"].iter().any(|p| l.starts_with(p))));
        let error =
            subset(&root, Selection { identities: 4, ..selection }, &folder.path().join("x")).unwrap_err();
        assert!(error.to_string().contains("3 of its 5 identities"), "{error}");
    }
}
