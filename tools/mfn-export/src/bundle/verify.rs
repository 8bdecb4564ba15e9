//! Signing a model folder, and checking one before anything in it is parsed.

use super::{MANIFEST, SIGNATURE, hex};
use anyhow::{Context, Result, anyhow, bail, ensure};
use minisign::{PublicKey, SecretKey, SignatureBox};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Component, Path};

/// No manifest or signature is longer.
const MAX_TEXT: u64 = 64 << 10;

/// What a checked folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Files whose hashes were compared.
    pub files: usize,
    /// The signature's trusted comment; `None` when no signature was asked for.
    pub comment: Option<String>,
    /// SHA-256 of the manifest, by which a program can trust the folder.
    pub manifest_sha256: String,
}

/// The only part of the manifest that is needed here.
#[derive(Deserialize)]
struct Manifest {
    files: BTreeMap<String, String>,
}

/// Checks the folder's hashes and writes the signature of its manifest beside it.
///
/// # Errors
/// When a file does not fit the manifest, or the signature cannot be made or written.
pub fn sign(folder: &Path, key: &SecretKey, comment: &str) -> Result<Verified> {
    let manifest = limited(&folder.join(MANIFEST))?;
    let files = check_files(folder, &manifest)?;
    let signature = minisign::sign(None, key, Cursor::new(&manifest), Some(comment), None)
        .map_err(|e| anyhow!("{}: could not be signed: {e}", folder.display()))?;
    let path = folder.join(SIGNATURE);
    crate::train::checkpoint::write_whole(&path, signature.into_string().as_bytes())
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(verified(files, Some(comment.into()), &manifest))
}

/// Checks signature and hashes; with no key only the hashes.
///
/// # Errors
/// The first thing that is wrong: signature missing, of another key, or not of this manifest; a file missing,
/// altered, or not listed.
pub fn verify(folder: &Path, key: Option<&PublicKey>) -> Result<Verified> {
    let manifest = limited(&folder.join(MANIFEST))?;
    let comment = key.map(|key| check_signature(folder, &manifest, key)).transpose()?;
    let files = check_files(folder, &manifest)?;
    Ok(verified(files, comment, &manifest))
}

fn verified(files: usize, comment: Option<String>, manifest: &[u8]) -> Verified {
    Verified { files, comment, manifest_sha256: hex(&Sha256::digest(manifest)) }
}

fn check_signature(folder: &Path, manifest: &[u8], key: &PublicKey) -> Result<String> {
    let path = folder.join(SIGNATURE);
    ensure!(path.exists(), "{} is not signed: there is no {SIGNATURE}", folder.display());
    let text = String::from_utf8(limited(&path)?).unwrap_or_default();
    let refused = |e: &dyn std::fmt::Display| anyhow!("{}: refused: {e}", path.display());
    let signature = SignatureBox::from_string(&text).map_err(|e| refused(&e))?;
    // minisign's older files sign the manifest itself, newer ones its hash: both are sound.
    minisign::verify(key, &signature, Cursor::new(manifest), true, false, true).map_err(|e| refused(&e))?;
    signature.trusted_comment().map_err(|e| refused(&e))
}

fn check_files(folder: &Path, manifest: &[u8]) -> Result<usize> {
    let within = || format!("{}", folder.join(MANIFEST).display());
    let text = std::str::from_utf8(manifest).with_context(within)?;
    let list: Manifest = toml::from_str(text).map_err(|e| anyhow!("{}: {}", within(), e.message()))?;
    for (name, expected) in &list.files {
        let inside = Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
        ensure!(inside && !name.is_empty(), "{}: {name:?} leads out of the folder", within());
        let found = hash(&folder.join(name))?;
        ensure!(
            found == *expected,
            "{}: it is not the file that the manifest lists",
            folder.join(name).display()
        );
    }
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let below = format!("{name}/");
        // What people read; no program does.
        let card = [".md", ".svg"].iter().any(|end| name.ends_with(end)) || name == "training";
        let listed = card || list.files.keys().any(|file| *file == name || file.starts_with(&below));
        if !listed && name != MANIFEST && name != SIGNATURE {
            bail!("{}: it is not listed in the manifest", folder.join(name).display());
        }
    }
    Ok(list.files.len())
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let failed = || format!("{}: cannot be read", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).with_context(failed)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn limited(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("{}: cannot be read", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(failed)?.take(MAX_TEXT + 1).read_to_end(&mut bytes).with_context(failed)?;
    ensure!(bytes.len() as u64 <= MAX_TEXT, "{}: it is longer than {MAX_TEXT} bytes", path.display());
    Ok(bytes)
}
