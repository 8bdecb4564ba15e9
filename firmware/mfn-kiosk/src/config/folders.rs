//! Which folders hold models and gallery: command line, configuration, environment, in this order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mfn_gallery::GalleryKey;

/// The environment, given so that tests can make one up.
type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The models folder, if anybody names one.
pub fn models(flag: Option<&Path>, setting: &str, env: Env<'_>) -> Option<PathBuf> {
    first_named(flag, setting).or_else(|| variable("MFN_MODELS", env))
}

/// The gallery folder; the last resort is a system folder.
pub fn gallery(flag: Option<&Path>, setting: &str, env: Env<'_>) -> PathBuf {
    first_named(flag, setting)
        .or_else(|| variable("STATE_DIRECTORY", env))
        .or_else(|| Some(variable("XDG_STATE_HOME", env)?.join("mfn-kiosk")))
        .or_else(|| Some(variable("HOME", env)?.join(".local/state/mfn-kiosk")))
        .unwrap_or_else(|| "/var/lib/mfn-kiosk".into())
}

/// The file with the gallery key.
pub fn key_file(gallery: &Path, setting: &str, env: Env<'_>) -> PathBuf {
    let credentials = variable("CREDENTIALS_DIRECTORY", env);
    first_named(None, setting).unwrap_or_else(|| GalleryKey::path_for(gallery, credentials.as_deref()))
}

/// The running kiosk's socket, unless there is to be none.
pub fn socket(gallery: &Path, setting: &str) -> Option<PathBuf> {
    if setting == "none" {
        return None;
    }
    let beside = || {
        let mut path = gallery.components().as_path().as_os_str().to_owned();
        path.push(".sock");
        path.into()
    };
    Some(first_named(None, setting).unwrap_or_else(beside))
}

fn first_named(flag: Option<&Path>, setting: &str) -> Option<PathBuf> {
    flag.map(Path::to_path_buf).or_else(|| (!setting.is_empty()).then(|| setting.into()))
}

fn variable(name: &str, env: Env<'_>) -> Option<PathBuf> {
    env(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_command_line_goes_before_the_file_before_the_environment() {
        let set = env(&[("MFN_MODELS", "/env")]);
        assert_eq!(models(Some(Path::new("/flag")), "/file", &set), Some("/flag".into()));
        assert_eq!(models(None, "/file", &set), Some("/file".into()));
        assert_eq!(models(None, "", &set), Some("/env".into()));
        assert_eq!(models(None, "", &env(&[("MFN_MODELS", "")])), None);
    }

    #[test]
    fn key_and_socket_lie_beside_the_gallery_until_told_otherwise() {
        let gallery = Path::new("/var/lib/kiosk/gallery/");
        assert_eq!(key_file(gallery, "", &env(&[])), PathBuf::from("/var/lib/kiosk/gallery.key"));
        assert_eq!(key_file(gallery, "/key", &env(&[])), PathBuf::from("/key"));
        assert_eq!(socket(gallery, ""), Some("/var/lib/kiosk/gallery.sock".into()));
        assert_eq!(socket(gallery, "/run/kiosk"), Some("/run/kiosk".into()));
        assert_eq!(socket(gallery, "none"), None);
    }

    #[test]
    fn a_gallery_is_always_somewhere() {
        let all = env(&[("STATE_DIRECTORY", "/s"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")]);
        assert_eq!(gallery(None, "", &all), PathBuf::from("/s"));
        assert_eq!(gallery(None, "", &env(&[("XDG_STATE_HOME", "/x")])), PathBuf::from("/x/mfn-kiosk"));
        assert_eq!(gallery(None, "", &env(&[("HOME", "/h")])), PathBuf::from("/h/.local/state/mfn-kiosk"));
        assert_eq!(gallery(None, "", &env(&[])), PathBuf::from("/var/lib/mfn-kiosk"));
    }
}
