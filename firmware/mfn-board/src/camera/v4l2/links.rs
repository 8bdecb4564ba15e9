//! Links that udev keeps in /dev/v4l/by-id: they name a camera by what it is and follow it to whatever
//! number it gets.

use std::{
    fs,
    path::{Path, PathBuf},
};

const BY_ID: &str = "/dev/v4l/by-id";

/// The link to use for a camera that was named by `path`: that path if it is a link itself, else the one in
/// /dev/v4l/by-id that leads to the same device, if there is one.
pub fn stable_link(path: &Path) -> Option<PathBuf> {
    if path.is_symlink() { Some(path.into()) } else { link_in(Path::new(BY_ID), path) }
}

fn link_in(folder: &Path, device: &Path) -> Option<PathBuf> {
    let device = device.canonicalize().ok()?;
    let mut links: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    links.sort();
    links.into_iter().find(|link| link.canonicalize().is_ok_and(|target| target == device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_link_that_leads_to_the_device_is_found() {
        let dev = tempfile::tempdir().unwrap();
        let (by_id, zero, two) =
            (dev.path().join("by-id"), dev.path().join("video0"), dev.path().join("video2"));
        fs::create_dir(&by_id).unwrap();
        fs::write(&zero, "").unwrap();
        fs::write(&two, "").unwrap();
        symlink("../video0", by_id.join("usb-A-video-index0")).unwrap();
        symlink("../video2", by_id.join("usb-B-video-index0")).unwrap();
        symlink("../video9", by_id.join("usb-0-dangling")).unwrap();
        assert_eq!(link_in(&by_id, &two), Some(by_id.join("usb-B-video-index0")));
        assert_eq!(link_in(&by_id, &dev.path().join("video7")), None);
        assert_eq!(stable_link(&by_id.join("usb-A-video-index0")), Some(by_id.join("usb-A-video-index0")));
    }
}
