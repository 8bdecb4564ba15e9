//! The int8 network beside the fp32 one, in the same folder and template space.

use crate::bundle::{MANIFEST, unsign};
use crate::manifest::Manifest;
use anyhow::{Context, Result, ensure};
use std::path::{Component, Path, PathBuf};

/// Name of the int8 file beside an fp32 one.
pub fn int8_file(fp32: &str) -> String {
    format!("{}-int8.onnx", fp32.strip_suffix(".onnx").unwrap_or(fp32))
}

/// Puts the int8 network into the folder and its manifest, then calls `check` on the result; only when that is
/// content does `folder` itself change. A signature there does not fit any more and is removed.
///
/// # Errors
/// When a file cannot be read or written, or those of `check`; then the folder is as it was.
pub fn with_int8<T>(folder: &Path, int8: &[u8], check: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let mut manifest = Manifest::read(folder)?;
    let trial = Trial::copy(folder, &manifest)?;
    let fp32 = manifest.networks.get("fp32").context("the manifest names no fp32 network")?;
    let file = int8_file(fp32);
    manifest.networks.insert("int8".into(), file.clone());
    manifest.put(&trial.0, &file, int8)?;
    manifest.write(&trial.0)?;
    let checked = check(&trial.0)?;
    // What the trial wrote only moves, which needs no room on the disk.
    for name in [file.as_str(), MANIFEST] {
        let (from, to) = (trial.0.join(name), folder.join(name));
        std::fs::rename(from, &to).with_context(|| format!("{}: cannot be written", to.display()))?;
    }
    unsign(folder)?;
    Ok(checked)
}

/// A copy of the folder beside it that is gone in the end.
struct Trial(PathBuf);

impl Trial {
    fn copy(folder: &Path, manifest: &Manifest) -> Result<Self> {
        let name = folder.file_name().context("the path names no folder")?.to_string_lossy().into_owned();
        let trial = Self(folder.with_file_name(format!(".{name}.{}.part", std::process::id())));
        for file in manifest.files.keys() {
            let plain = Path::new(file).components().all(|c| matches!(c, Component::Normal(_)));
            ensure!(plain, "{file:?} leads out of the folder");
            let to = trial.0.join(file);
            let made = std::fs::create_dir_all(to.parent().unwrap_or(&trial.0));
            made.and_then(|()| std::fs::copy(folder.join(file), &to).map(drop))
                .with_context(|| format!("{}: cannot be copied", folder.join(file).display()))?;
        }
        Ok(trial)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // What is left of it after a failure would only be in the way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
