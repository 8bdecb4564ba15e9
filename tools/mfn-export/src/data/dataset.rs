//! All sources of a recipe together: who is trained on, who is held out, who is left out.

use super::{Archive, Member};
use crate::recipe::{Data, HeldOut, Source};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// One picture of one source.
#[derive(Clone, Debug)]
pub struct Face {
    /// Index of the source.
    pub archive: u16,
    /// Number of the identity, where the source is labelled.
    pub identity: Option<u32>,
    /// Where the picture is.
    pub member: Member,
}

/// The faces of one source among `Dataset::train`.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Number of the first face.
    pub start: usize,
    /// How many.
    pub len: usize,
    /// How often they are shown an epoch.
    pub share: f64,
}

/// The faces of a recipe.
pub struct Dataset {
    archives: Vec<Archive>,
    /// Faces to train on, source after source.
    pub train: Vec<Face>,
    /// Where each source lies in `train`.
    pub spans: Vec<Span>,
    /// Faces of the identities that are held out; their numbers count apart from those of `train`.
    pub held_out: Vec<Face>,
    /// How many identities `train` has.
    pub identities: usize,
    /// SHA-256 over names and lengths of everything used, in order.
    pub fingerprint: String,
}

/// Numbers for names, in the order in which they come.
#[derive(Default)]
struct Numbers(HashMap<Box<str>, u32>);

impl Numbers {
    fn number(&mut self, name: &str) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name.into()).or_insert(next)
    }
}

impl Dataset {
    /// Opens every source and sorts its faces.
    pub fn open(data: &Data) -> Result<Self> {
        let mut set = Dataset {
            archives: Vec::new(),
            train: Vec::new(),
            spans: Vec::new(),
            held_out: Vec::new(),
            identities: 0,
            fingerprint: String::new(),
        };
        let excluded = excluded(data)?;
        let (mut train, mut held_out) = (Numbers::default(), Numbers::default());
        let mut hash = Sha256::new();
        for source in &data.sources {
            let start = set.train.len();
            let (archive, members) = Archive::open(&resolve(&data.root, &source.path)?)?;
            ensure!(!members.is_empty(), "data {}: there is no picture in it", archive.path().display());
            let members = listed(data, source, members)?;
            set.archives.push(archive);
            for member in members {
                let folder = member.folder().unwrap_or_default();
                if excluded.contains(folder) || is_left_out(source, &member.name) {
                    continue;
                }
                hash.update(format!("{}/{} {}\n", source.path, member.name, member.len));
                let kept_back = source.labelled && is_held_out(&data.held_out, folder);
                let numbers = if kept_back { &mut held_out } else { &mut train };
                let identity = (source.labelled && !folder.is_empty()).then(|| numbers.number(folder));
                let face = Face { archive: (set.archives.len() - 1) as u16, identity, member };
                if kept_back { set.held_out.push(face) } else { set.train.push(face) }
            }
            set.spans.push(Span { start, len: set.train.len() - start, share: source.share });
        }
        set.identities = train.0.len();
        set.fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        set.check(data)?;
        Ok(set)
    }

    fn check(&self, data: &Data) -> Result<()> {
        ensure!(!self.train.is_empty(), "data: no face is left to train on");
        if data.sources.iter().any(|s| s.labelled) && self.identities < 2 {
            bail!(
                "data: the labelled sources have {} identity to train on; at least 2 are needed",
                self.identities
            );
        }
        Ok(())
    }

    /// Reads the encoded bytes of one face.
    pub fn read(&self, face: &Face, bytes: &mut Vec<u8>) -> Result<()> {
        self.archives[face.archive as usize].read(&face.member, bytes)
    }

    /// The full name of a face, for messages.
    pub fn name(&self, face: &Face) -> String {
        format!("{}: {}", self.archives[face.archive as usize].path().display(), face.member.name)
    }
}

/// A path of a recipe below its root; it must exist.
pub(crate) fn resolve(root: &str, path: &str) -> Result<PathBuf> {
    let full = Path::new(root).join(path);
    ensure!(
        full.exists(),
        "data {}: it does not exist; set data.root by --set data.root=DIR or the variable {}",
        full.display(),
        crate::recipe::ROOT_VARIABLE
    );
    Ok(full)
}

fn excluded(data: &Data) -> Result<HashSet<String>> {
    let Some(list) = &data.exclude else { return Ok(HashSet::new()) };
    let path = resolve(&data.root, list)?;
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("data {}: cannot be read", path.display()))?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect())
}

/// Those of the source's pictures that its list names.
fn listed(data: &Data, source: &Source, members: Vec<Member>) -> Result<Vec<Member>> {
    let Some(list) = &source.list else { return Ok(members) };
    let path = resolve(&data.root, list)?;
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("data {}: cannot be read", path.display()))?;
    let mut names: HashSet<&str> = text.lines().map(str::trim).filter(|l| !l.starts_with('#')).collect();
    names.remove("");
    let found: Vec<Member> = members.into_iter().filter(|member| names.remove(&*member.name)).collect();
    if let Some(name) = names.iter().min() {
        bail!(
            "data {}: {} of its pictures are not in {}, such as {name}",
            path.display(),
            names.len(),
            source.path
        );
    }
    Ok(found)
}

fn is_left_out(source: &Source, name: &str) -> bool {
    source.leave_out.iter().any(|begin| name.starts_with(begin.as_str()))
}

/// By the name alone, so that the same people are held out whatever else is in the recipe.
fn is_held_out(rule: &HeldOut, identity: &str) -> bool {
    if rule.identities.iter().any(|name| name == identity) {
        return true;
    }
    let hash = Sha256::digest(identity.as_bytes());
    let number = u64::from_le_bytes(hash[..8].try_into().expect("eight bytes"));
    rule.one_in > 0 && number.is_multiple_of(rule.one_in)
}
