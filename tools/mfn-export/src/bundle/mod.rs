//! Signatures over a model folder's manifest, in minisign's format, and the hashes that the manifest holds.
//!
//! The manifest lists every file with its SHA-256, so one signature covers the folder. Signature first, then
//! hashes, and only then is anything parsed as a network or picture.

use anyhow::{Context, Result};
use std::path::Path;

mod keys;
mod verify;

pub use keys::{KeyFiles, Password, generate, public_key, secret_key};
pub use verify::{Verified, sign, verify};

/// The manifest's name in every model folder.
pub const MANIFEST: &str = "manifest.toml";
/// The signature's name beside it, as minisign's own tools expect it.
pub const SIGNATURE: &str = "manifest.toml.minisig";

/// Removes a signature that does not fit any more since the manifest has changed, and says so.
///
/// # Errors
/// When there is one that cannot be removed.
pub fn unsign(folder: &Path) -> Result<()> {
    let signature = folder.join(SIGNATURE);
    if !signature.exists() {
        return Ok(());
    }
    log::warn!("{}: sign it again with `mfn-export bundle`", folder.display());
    std::fs::remove_file(&signature)
        .with_context(|| format!("{}: it does not fit any more and cannot be removed", signature.display()))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
