//! Photographs, one after the other: a given list, or a folder's in the order of their names.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mfn_vision::{
    Frame, PixelFormat,
    photo::{self, PhotoLimits},
};

use super::Pictures;
use crate::camera::CameraError;

/// Names that a folder's photographs end with.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// A row of photographs. One that cannot be read is an error of its own call; the next call goes on.
pub struct Photos {
    files: Vec<PathBuf>,
    next: usize,
}

impl Photos {
    /// These files; all of them have to be there now.
    pub fn list(files: &[PathBuf]) -> Result<Photos, CameraError> {
        for path in files {
            fs::metadata(path).map_err(|source| io_error("read", path, source))?;
        }
        Ok(Photos { files: files.to_vec(), next: 0 })
    }

    /// All photographs directly in this folder; hidden ones are left out.
    pub fn folder(folder: &Path) -> Result<Photos, CameraError> {
        let failed = |source| io_error("list the folder", folder, source);
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if is_photo(&path) {
                files.push(path);
            }
        }
        if files.is_empty() {
            let reason = format!("holds no photographs (names that end with {})", ENDINGS.join(", "));
            return Err(CameraError::Media { path: folder.into(), reason });
        }
        files.sort();
        Ok(Photos { files, next: 0 })
    }
}

fn is_photo(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && ending.is_some_and(|e| ENDINGS.contains(&e.as_str()))
}

fn io_error(action: &'static str, path: &Path, source: std::io::Error) -> CameraError {
    CameraError::Io { action, path: path.into(), source }
}

impl Pictures for Photos {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, CameraError> {
        let Some(path) = self.files.get(self.next) else { return Ok(false) };
        self.next += 1;
        let picture = photo::load(path, &PhotoLimits::default())
            .map_err(|error| CameraError::Media { path: path.clone(), reason: error.cause.to_string() })?;
        frame.format = PixelFormat::Rgb;
        (frame.width, frame.height) = (picture.width(), picture.height());
        frame.stride = 3 * picture.width();
        frame.data.clear();
        frame.data.extend_from_slice(picture.data());
        Ok(true)
    }

    fn rewind(&mut self) -> Result<(), CameraError> {
        self.next = 0;
        Ok(())
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn describe(&self) -> String {
        format!("{} photographs from {}", self.files.len(), self.files[0].display())
    }
}
