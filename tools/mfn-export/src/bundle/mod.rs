//! Signatures over a model folder's manifest, in minisign's format, and the hashes that the manifest holds.
//!
//! The manifest lists every file with its SHA-256, so one signature covers the folder. Signature first, then
//! hashes, and only then is anything parsed as a network or picture.

mod keys;
mod verify;

pub use keys::{KeyFiles, Password, generate, public_key, secret_key};
pub use verify::{Verified, sign, verify};

/// The manifest's name in every model folder.
pub const MANIFEST: &str = "manifest.toml";
/// The signature's name beside it, as minisign's own tools expect it.
pub const SIGNATURE: &str = "manifest.toml.minisig";

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
