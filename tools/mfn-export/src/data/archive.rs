//! One source of encoded pictures: a tar or zip archive, InsightFace records, or a folder.
//!
//! Opening lists the members once; reading takes one by its offset, from any thread.

use super::recordio;
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One encoded picture of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Path inside the archive, such as `person-7/0003.jpg`.
    pub name: Box<str>,
    /// Where its bytes begin in the archive; 0 in a folder.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u32,
}

impl Member {
    /// The folder that the picture lies in, which names the identity in a labelled source.
    pub fn folder(&self) -> Option<&str> {
        let (folders, _) = self.name.rsplit_once('/')?;
        Some(folders.rsplit('/').next().unwrap_or(folders))
    }
}

enum Place {
    File(File),
    Folder,
}

/// An opened source.
pub struct Archive {
    path: PathBuf,
    place: Place,
}

impl Archive {
    /// Opens a source and lists its pictures in the order of the archive (by name in a folder).
    pub fn open(path: &Path) -> Result<(Archive, Vec<Member>)> {
        let what = || format!("data {}: cannot be read", path.display());
        if path.is_dir() {
            let mut members = Vec::new();
            list_folder(path, "", &mut members).with_context(what)?;
            return Ok((Archive { path: path.into(), place: Place::Folder }, members));
        }
        let file = File::open(path).with_context(what)?;
        let members = match path.extension().and_then(|e| e.to_str()) {
            Some("tar") => list_tar(&file),
            Some("zip") => list_zip(&file),
            Some("rec") => recordio::list(&file, &path.with_extension("idx")),
            _ => bail!("data {}: it is neither a folder nor .tar, .zip or .rec", path.display()),
        };
        let members = members.and_then(|members| whole(&file, members)).with_context(what)?;
        Ok((Archive { path: path.into(), place: Place::File(file) }, members))
    }

    /// The text of one member that is no picture, such as `labels.jsonl` at the top of an archive.
    ///
    /// # Errors
    /// When there is no such member or it is no text.
    pub fn text(path: &Path, name: &str) -> Result<String> {
        let what = || format!("data {}: {name} cannot be read", path.display());
        let mut text = String::new();
        if path.is_dir() {
            return std::fs::read_to_string(path.join(name)).with_context(what);
        }
        let file = File::open(path).with_context(what)?;
        if path.extension().is_some_and(|e| e == "zip") {
            let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).with_context(what)?;
            archive.by_name(name).with_context(what)?.read_to_string(&mut text).with_context(what)?;
            return Ok(text);
        }
        for entry in tar::Archive::new(file).entries_with_seek().with_context(what)? {
            let mut entry = entry.with_context(what)?;
            if entry.path_bytes().strip_prefix(b"./").unwrap_or(&entry.path_bytes()) == name.as_bytes() {
                entry.read_to_string(&mut text).with_context(what)?;
                return Ok(text);
            }
        }
        bail!("data {}: there is no {name} in it", path.display())
    }

    /// Where the source is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the encoded bytes of one member into `bytes`.
    pub fn read(&self, member: &Member, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        bytes.resize(member.len as usize, 0);
        match &self.place {
            Place::File(file) => file.read_exact_at(bytes, member.offset)?,
            Place::Folder => File::open(self.path.join(&*member.name))?.read_exact_at(bytes, 0)?,
        }
        Ok(())
    }
}

/// The members, if the file holds all of each: a download that broke off is not trained on by half.
fn whole(file: &File, members: Vec<Member>) -> Result<Vec<Member>> {
    let size = file.metadata()?.len();
    let beyond = members.iter().find(|m| m.offset.saturating_add(m.len.into()) > size);
    match beyond {
        Some(member) => bail!("the file ends inside {}", member.name),
        None => Ok(members),
    }
}

/// Whether the name is that of a picture which `image` can decode here.
fn is_picture(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png" | "webp"))
}

fn list_tar(file: &File) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && is_picture(&name) {
            members.push(member(name, entry.raw_file_position(), entry.size())?);
        }
    }
    Ok(members)
}

fn list_zip(file: &File) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    let mut archive = zip::ZipArchive::new(std::io::BufReader::with_capacity(512, file))?;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        let name = entry.name()?.to_string();
        if entry.is_file() && is_picture(&name) {
            let stored = entry.compression() == zip::CompressionMethod::Stored;
            ensure!(stored, "{name} is compressed; pack the pictures with `zip -0`");
            let offset = entry.data_start().with_context(|| format!("{name} has no offset"))?;
            members.push(member(name, offset, entry.size())?);
        }
    }
    Ok(members)
}

fn list_folder(root: &Path, below: &str, members: &mut Vec<Member>) -> Result<()> {
    let mut entries = std::fs::read_dir(root.join(below))?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let leaf = entry.file_name().to_string_lossy().into_owned();
        let name = if below.is_empty() { leaf } else { format!("{below}/{leaf}") };
        let about = std::fs::metadata(entry.path())?;
        if about.is_dir() {
            list_folder(root, &name, members)?;
        } else if is_picture(&name) {
            members.push(member(name, 0, about.len())?);
        }
    }
    Ok(())
}

fn member(name: String, offset: u64, len: u64) -> Result<Member> {
    let len = u32::try_from(len).with_context(|| format!("{name} is larger than 4 GB"))?;
    Ok(Member { name: name.into(), offset, len })
}
