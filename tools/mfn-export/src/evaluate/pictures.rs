//! Pictures and lists of a benchmark, from a folder or an archive, found by the end of their path.

use crate::data::{Archive, Member, picture};
use anyhow::{Context, Result, anyhow, bail};
use mfn_vision::RgbImage;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Lists of pairs are text; IJB-C's longest has 260 MB.
const MAX_LIST: u64 = 1 << 30;

/// The pictures of one benchmark.
pub struct Pictures {
    archive: Archive,
    members: Vec<Member>,
    /// The last two parts of the path without ending -> number in `members`.
    by_end: HashMap<String, usize>,
}

impl Pictures {
    /// Lists a folder, `.tar` or `.zip`.
    ///
    /// # Errors
    /// When it cannot be read or holds no picture.
    pub fn open(path: &Path) -> Result<Self> {
        let (archive, members) = Archive::open(path)?;
        if members.is_empty() {
            bail!("data {}: there is no picture in it", path.display());
        }
        let by_end = members.iter().enumerate().map(|(i, m)| (end(&m.name, 2), i)).collect();
        Ok(Self { archive, members, by_end })
    }

    /// All pictures, in the order of the archive.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The number of the picture `folder/file`; its ending does not matter.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: &str) -> Result<usize> {
        let found = self.by_end.get(&end(name, 2)).copied();
        found.with_context(|| format!("data {}: {name} is missing", self.archive.path().display()))
    }

    /// The name of a picture.
    pub fn name(&self, number: usize) -> &str {
        &self.members[number].name
    }

    /// Reads and decodes a picture.
    ///
    /// # Errors
    /// Names the picture and what is wrong with it.
    pub fn read(&self, number: usize) -> Result<RgbImage> {
        let member = &self.members[number];
        let mut bytes = Vec::new();
        let read = self.archive.read(member, &mut bytes).and_then(|()| picture(&bytes));
        read.map_err(|e| anyhow!("data {}: {}: {e:#}", self.archive.path().display(), member.name))
    }
}

/// The last `parts` parts of a path without the file's ending.
pub fn end(name: &str, parts: usize) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') && ending.len() <= 4 => stem,
        _ => name,
    };
    let split: Vec<&str> = stem.rsplit('/').take(parts).collect();
    split.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// Reads the first of these text files that is there, by path below `root` or by name in an archive.
///
/// # Errors
/// When none is there, or it is no text.
pub fn list(root: &Path, names: &[&str]) -> Result<String> {
    let found = if root.is_dir() { in_folder(root, names)? } else { in_tar(root, names)? };
    let bytes =
        found.with_context(|| format!("data {}: there is no {}", root.display(), names.join(" or ")))?;
    String::from_utf8(bytes).map_err(|_| anyhow!("data {}: {} is no text", root.display(), names[0]))
}

fn in_folder(root: &Path, names: &[&str]) -> Result<Option<Vec<u8>>> {
    let Some(path) = names.iter().map(|n| root.join(n)).find(|p: &PathBuf| p.is_file()) else {
        return Ok(None);
    };
    let within = || format!("data {}: cannot be read", path.display());
    let mut bytes = Vec::new();
    File::open(&path).with_context(within)?.take(MAX_LIST).read_to_end(&mut bytes).with_context(within)?;
    Ok(Some(bytes))
}

fn in_tar(root: &Path, names: &[&str]) -> Result<Option<Vec<u8>>> {
    let within = || format!("data {}: cannot be read", root.display());
    if root.extension().is_none_or(|e| e != "tar") {
        bail!("data {}: lists are read from folders and .tar archives", root.display());
    }
    let mut archive = tar::Archive::new(File::open(root).with_context(within)?);
    for entry in archive.entries_with_seek().with_context(within)? {
        let entry = entry.with_context(within)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_string();
        if names.contains(&name.as_str()) {
            let mut bytes = Vec::new();
            entry.take(MAX_LIST).read_to_end(&mut bytes).with_context(within)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_by_their_end() {
        assert_eq!(end("lfw/A_B/A_B_0001.jpg", 2), "A_B/A_B_0001");
        assert_eq!(end("m.0c7mh2/m.0c7mh2_0003", 2), "m.0c7mh2/m.0c7mh2_0003");
        assert_eq!(end("x.png", 2), "x");
        assert_eq!(end("Data/Images/001/frontal/01.jpg", 3), "001/frontal/01");
    }
}
