//! Key pairs as minisign's key files.

use anyhow::{Context, Result, anyhow, bail, ensure};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the two halves of a key pair are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyFiles {
    /// To be kept secret: whoever has it can sign models that doors believe.
    pub secret: PathBuf,
    /// To be named in the configuration of every door.
    pub public: PathBuf,
}

/// How the secret key is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// As it is.
    None,
    /// Encrypted; the password is asked for on the terminal, where it is not shown.
    Ask,
    /// Encrypted with this password.
    Given(String),
}

impl Password {
    fn given(self) -> Option<String> {
        if let Password::Given(password) = self { Some(password) } else { None }
    }
}

/// Makes a key pair and writes `STEM.key` (readable by its owner alone) and `STEM.pub`.
///
/// # Errors
/// When one of the files exists already or cannot be written; then neither is left.
pub fn generate(stem: &Path, password: Password) -> Result<KeyFiles> {
    let files = KeyFiles { secret: with_ending(stem, "key"), public: with_ending(stem, "pub") };
    for path in [&files.secret, &files.public] {
        ensure!(!path.exists(), "{} is there already; a key is never overwritten", path.display());
    }
    let pair = match password {
        Password::None => KeyPair::generate_unencrypted_keypair(),
        password => KeyPair::generate_encrypted_keypair(password.given()),
    };
    let pair = pair.map_err(|e| anyhow!("no key pair could be made: {e}"))?;
    let secret = pair.sk.to_box(None).map_err(|e| anyhow!("the secret key: {e}"))?.into_string();
    let public = pair.pk.to_box().map_err(|e| anyhow!("the public key: {e}"))?.into_string();
    create(&files.secret, 0o600, &secret)?;
    if let Err(error) = create(&files.public, 0o644, &public) {
        // A secret key without its public half is of no use.
        let _ = std::fs::remove_file(&files.secret);
        return Err(error);
    }
    Ok(files)
}

fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn create(path: &Path, mode: u32, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut f| {
        let whole = f.write_all(text.as_bytes()).and_then(|()| f.sync_all());
        // Half a key is none, and would be in the way of the next.
        whole.inspect_err(|_| drop(std::fs::remove_file(path)))
    });
    written.with_context(|| format!("{}: cannot be written", path.display()))
}

/// Reads a public key: a minisign `.pub` file.
///
/// # Errors
/// When the file cannot be read or holds no public key.
pub fn public_key(path: &Path) -> Result<PublicKey> {
    let text = read(path)?;
    let key = minisign::PublicKeyBox::from_string(&text).and_then(minisign::PublicKeyBox::into_public_key);
    key.map_err(|e| anyhow!("{}: it holds no minisign public key ({e})", path.display()))
}

/// Reads a secret key; `password` is called only when the key is encrypted.
///
/// # Errors
/// When the file cannot be read, holds no secret key, or the password is wrong.
pub fn secret_key(path: &Path, password: impl FnOnce() -> Result<Password>) -> Result<SecretKey> {
    let boxed = || {
        let text = read(path)?;
        SecretKeyBox::from_string(&text).map_err(|_| anyhow!("{}: it holds no secret key", path.display()))
    };
    let plain = SecretKey::from_unencrypted_box(boxed()?);
    // The reader takes any base64 for an encrypted key, and would ask for its password.
    if public_key(path).is_ok() {
        bail!("{}: it is a public key; signing needs the secret one", path.display());
    }
    match plain.map_err(|e| e.to_string()) {
        Ok(key) => return Ok(key),
        Err(reason) if reason.contains("might be encrypted") => {}
        // minisign leaves the checksum of an unencrypted key out.
        Err(reason) if reason.contains("Corrupted") => bail!(
            "{}: it is not encrypted and has no checksum, as `minisign -W` makes keys; sign by `minisign -S -s {} -m MODEL/manifest.toml`",
            path.display(),
            path.display()
        ),
        Err(reason) => bail!("{}: it holds no secret key ({reason})", path.display()),
    }
    SecretKey::from_box(boxed()?, password()?.given())
        .map_err(|e| anyhow!("{}: it holds no secret key, or the password is wrong ({e})", path.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))
}
