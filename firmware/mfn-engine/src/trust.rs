//! Whom a device believes about models: itself (the manifests that were compiled in), and whoever holds the
//! secret half of a public key. Nothing of a folder is parsed before its manifest passed here.

use std::path::Path;

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest, Sha256};

use crate::error::ModelError;
use crate::folder::{MANIFEST, hex, read_limited};

/// The signature beside a manifest, as minisign's own tools name it.
const SIGNATURE: &str = "manifest.toml.minisig";
const MAX_SIGNATURE: u64 = 16 << 10;
/// What `sha256sum models/*/manifest.toml` prints: the models that come with this program.
const SHIPPED: &str = include_str!("../known/manifests.txt");

/// Which model folders are taken.
#[derive(Clone, Debug)]
pub enum Trust {
    /// All: for a person at a workstation who named the folder.
    Anyone,
    /// Those that came with this program, and others by signature or by name.
    Known {
        /// Whose signatures count.
        key: Option<TrustedKey>,
        /// Names of folders that need no signature.
        unsigned: Vec<String>,
    },
}

/// A minisign public key that was read and is one.
#[derive(Clone, Debug)]
pub struct TrustedKey(PublicKey);

impl TrustedKey {
    /// Reads the text of a minisign `.pub` file, or its second line alone.
    ///
    /// # Errors
    /// One sentence when it is none.
    pub fn parse(text: &str) -> Result<TrustedKey, String> {
        let key = PublicKey::decode(text).or_else(|_| PublicKey::from_base64(text.trim()));
        key.map(TrustedKey).map_err(|e| format!("it holds no minisign public key ({e})"))
    }
}

/// Why a manifest is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Believed {
    /// This very manifest is compiled in.
    Shipped,
    /// Somebody vouches for it.
    Vouched,
}

impl Trust {
    /// Decides on the manifest `bytes` of the folder `dir`.
    ///
    /// # Errors
    /// When nobody vouches for it.
    pub(crate) fn check(&self, dir: &Path, bytes: &[u8]) -> Result<Believed, ModelError> {
        if is_shipped(SHIPPED, bytes) {
            return Ok(Believed::Shipped);
        }
        let Trust::Known { key, unsigned } = self else { return Ok(Believed::Vouched) };
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        if unsigned.iter().any(|allowed| *allowed == name) {
            return Ok(Believed::Vouched);
        }
        let verdict = match key {
            None => Err("no public key is named that could vouch for it".to_owned()),
            Some(key) => verify(key, dir, bytes),
        };
        verdict
            .map(|()| Believed::Vouched)
            .map_err(|reason| ModelError::Untrusted { dir: dir.to_path_buf(), reason })
    }
}

fn is_shipped(list: &str, bytes: &[u8]) -> bool {
    let hash = hex(&Sha256::digest(bytes));
    list.lines().any(|line| line.split_whitespace().next() == Some(&hash))
}

fn verify(key: &TrustedKey, dir: &Path, bytes: &[u8]) -> Result<(), String> {
    let path = dir.join(SIGNATURE);
    if !path.exists() {
        return Err(format!("it has no signature {SIGNATURE}"));
    }
    let text = read_limited(&path, MAX_SIGNATURE).map_err(|e| e.to_string())?;
    let text = String::from_utf8(text).map_err(|_| format!("{SIGNATURE} is no text"))?;
    let signature = Signature::decode(&text).map_err(|e| format!("{SIGNATURE} is no signature ({e})"))?;
    // minisign's older files sign the manifest itself, newer ones its hash: both are sound.
    key.0.verify(bytes, &signature, true).map_err(|e| {
        format!("{SIGNATURE} is not of this {MANIFEST} under the configured public key ({e})").to_lowercase()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_manifests_are_known_by_their_hash() {
        // sha256sum of the three bytes "abc", FIPS 180-2, appendix B.1.
        let list =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  models/x/manifest.toml\n";
        assert!(is_shipped(list, b"abc") && !is_shipped(list, b"abd") && !is_shipped("", b"abc"));
    }

    #[test]
    fn the_list_is_that_of_the_models_folder() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let mut manifests: Vec<_> = std::fs::read_dir(models)
            .unwrap()
            .map(|entry| entry.unwrap().path().join(MANIFEST))
            .filter(|path| path.exists())
            .collect();
        manifests.sort();
        for path in &manifests {
            let bytes = std::fs::read(path).unwrap();
            assert!(
                is_shipped(SHIPPED, &bytes),
                "refresh the list: sha256sum models/*/manifest.toml > firmware/mfn-engine/known/manifests.txt"
            );
        }
        assert_eq!(SHIPPED.lines().count(), manifests.len());
    }
}
