//! The gallery key, which comes from outside the gallery's folder.

use crate::seal::Secret;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroize;

/// The name of the systemd credential that holds the key.
pub const CREDENTIAL: &str = "mfn-gallery-key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Missing folder, no permission, a broken device.
    #[error("the gallery key {} cannot be read or made: {source}; nothing was opened", path.display())]
    Io {
        /// The key's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no file.
    #[error("there is no gallery key {}: give the key that the gallery was made with", path.display())]
    Missing {
        /// The key's file.
        path: PathBuf,
    },
    /// Anything but 32 bytes.
    #[error(
        "the gallery key {} has {found} bytes instead of 32: restore the right file; a new key cannot open an old gallery",
        path.display()
    )]
    Length {
        /// The key's file.
        path: PathBuf,
        /// Its length, or 33 for anything longer than 32.
        found: usize,
    },
    /// Others than its owner may read or change it.
    #[error("the gallery key {} may be read or written by others (mode {mode:o}): chmod 600 it", path.display())]
    Open {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The 32 bytes that all keys of a gallery but the people's are derived from. Wiped from memory
/// when dropped, never printed.
#[derive(Clone)]
pub struct GalleryKey(pub(crate) Secret);

impl GalleryKey {
    /// Takes a key; the caller wipes the original.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> GalleryKey {
        GalleryKey(Secret(*bytes))
    }

    /// Where the key is: the credential in systemd's folder (`$CREDENTIALS_DIRECTORY`) where it is
    /// there, else the file beside the gallery's folder with `.key` behind its name.
    #[must_use]
    pub fn path_for(gallery: &Path, credentials: Option<&Path>) -> PathBuf {
        let credential = credentials.map(|folder| folder.join(CREDENTIAL));
        credential.filter(|path| path.exists()).unwrap_or_else(|| {
            let mut beside = OsString::from(gallery.components().as_path());
            beside.push(".key");
            beside.into()
        })
    }

    /// Reads the key.
    ///
    /// # Errors
    /// When there is none, or the file is not exactly 32 bytes, is open to others, is a link, or cannot be read.
    pub fn load(path: &Path) -> Result<GalleryKey, KeyError> {
        match open(path, OFlags::RDONLY) {
            Ok(file) => read(file, path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(KeyError::Missing { path: path.to_owned() }),
            Err(source) => Err(KeyError::Io { path: path.to_owned(), source }),
        }
    }

    /// Reads the key, or makes one where there is no file (mode 0600, synced with its folder). The
    /// flag says that it was made: tell the user to keep a copy elsewhere.
    ///
    /// # Errors
    /// When the file is not exactly 32 bytes, is open to others, is a link, or cannot be read or made.
    pub fn load_or_create(path: &Path) -> Result<(GalleryKey, bool), KeyError> {
        let failed = |source| KeyError::Io { path: path.to_owned(), source };
        match GalleryKey::load(path) {
            Err(KeyError::Missing { .. }) => {
                create(path).map_err(failed)?;
                // Whoever was first: what is there now is the key.
                GalleryKey::load(path).map(|key| (key, true))
            }
            found => found.map(|key| (key, false)),
        }
    }
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

fn read(file: File, path: &Path) -> Result<GalleryKey, KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let mode = rustix::fs::fstat(&file).map_err(|e| failed(e.into()))?.st_mode & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::with_capacity(33);
    file.take(33).read_to_end(&mut bytes).map_err(failed)?;
    let key = <&[u8; 32]>::try_from(bytes.as_slice()).map(GalleryKey::from_bytes);
    let key = key.map_err(|_| KeyError::Length { path: path.to_owned(), found: bytes.len() });
    bytes.zeroize();
    key
}

/// Puts a whole new key in place, unless another process was quicker.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = OsString::from(path);
    new.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(new);
    let mut file = open(&new, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
    let linked = file
        .write_all(&Secret::random()?.0)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&new, path));
    fs::remove_file(&new)?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    File::open(folder)?.sync_all()
}
