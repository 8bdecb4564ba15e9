//! How a camera is named on the command line and in the configuration.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

/// A camera's source could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The text names no source.
    #[error(
        "`{0}` names no camera; use one of v4l2:/dev/video0, photo:a.jpg,b.jpg, folder:DIR, \
         video:FILE.y4m, video:FILE.avi or video:FILE.mjpeg"
    )]
    Source(String),
    /// The text is no size.
    #[error("`{0}` is no picture size; write width x height from 16x16 to 8192x8192, such as 640x480")]
    Size(String),
    /// The text is no pace.
    #[error("`{0}` is no pace; use own, fastest, or pictures a second from 0.1 to 1000, such as 12.5")]
    Pace(String),
}

/// Where pictures come from. Text forms: `v4l2:/dev/video0`, `photo:a.jpg,b.jpg`, `folder:DIR`,
/// `video:FILE.y4m` (or `.avi`, `.mjpeg`, `.mjpg`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraSource {
    /// A V4L2 capture device: /dev/videoN or, better, a link in /dev/v4l/by-id.
    V4l2(PathBuf),
    /// Photographs, in this order.
    Photos(Vec<PathBuf>),
    /// The photographs of a folder, sorted by name.
    Folder(PathBuf),
    /// A video file; its kind is told by its first bytes.
    Video(PathBuf),
}

impl FromStr for CameraSource {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<CameraSource, SpecError> {
        let wrong = || SpecError::Source(text.chars().take(200).collect());
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        if rest.is_empty() || rest.contains('\0') {
            return Err(wrong());
        }
        match kind {
            "v4l2" => Ok(CameraSource::V4l2(rest.into())),
            "photo" if rest.split(',').all(|p| !p.is_empty()) => {
                Ok(CameraSource::Photos(rest.split(',').map(PathBuf::from).collect()))
            }
            "folder" => Ok(CameraSource::Folder(rest.into())),
            "video" => Ok(CameraSource::Video(rest.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for CameraSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CameraSource::V4l2(path) => write!(f, "v4l2:{}", path.display()),
            CameraSource::Folder(path) => write!(f, "folder:{}", path.display()),
            CameraSource::Video(path) => write!(f, "video:{}", path.display()),
            CameraSource::Photos(paths) => {
                let names: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
                write!(f, "photo:{}", names.join(","))
            }
        }
    }
}

/// A picture size in pixels, 16 to 8192 each way. Text form: `640x480`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl FromStr for Size {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Size, SpecError> {
        let side = |s: &str| s.parse().ok().filter(|n| (16..=8192).contains(n));
        text.split_once('x')
            .and_then(|(w, h)| Some(Size { width: side(w)?, height: side(h)? }))
            .ok_or_else(|| SpecError::Size(text.chars().take(200).collect()))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// How fast pictures from files are shown; a V4L2 camera only knows its own pace. Text forms: `own`,
/// `fastest`, or pictures a second, such as `12.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The video's own pace; one photograph a second.
    Own,
    /// As fast as they are asked for.
    Fastest,
    /// One picture in this time.
    Every(Duration),
}

impl FromStr for Pace {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Pace, SpecError> {
        match text {
            "own" => Ok(Pace::Own),
            "fastest" => Ok(Pace::Fastest),
            _ => text
                .parse()
                .ok()
                .filter(|rate| (0.1..=1000.0).contains(rate))
                .map(|rate: f64| Pace::Every(Duration::from_secs_f64(1.0 / rate)))
                .ok_or_else(|| SpecError::Pace(text.chars().take(200).collect())),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Own => f.write_str("own"),
            Pace::Fastest => f.write_str("fastest"),
            Pace::Every(period) => write!(f, "{}", 1.0 / period.as_secs_f64()),
        }
    }
}

/// How a camera is used.
#[derive(Clone, Copy, Debug)]
pub struct CameraOptions {
    /// The wanted picture size; a V4L2 camera's nearest mode is taken, files keep their own size.
    pub size: Size,
    /// For photographs, folders and videos.
    pub pace: Pace,
    /// Whether photographs, folders and videos begin again at their end.
    pub repeat: bool,
    /// Dark pictures dropped after a V4L2 camera's start at most, until its exposure has settled.
    pub settle_frames: u32,
    /// After this time without a picture a V4L2 camera has stalled.
    pub stall_after: Duration,
    /// The moment that `Frame::captured_at` counts from.
    pub start: Instant,
}

impl CameraOptions {
    /// 640x480, own pace, shown once, up to 15 dark frames dropped, 2 s until a stall.
    #[must_use]
    pub fn new(start: Instant) -> CameraOptions {
        CameraOptions {
            size: Size { width: 640, height: 480 },
            pace: Pace::Own,
            repeat: false,
            settle_frames: 15,
            stall_after: Duration::from_secs(2),
            start,
        }
    }
}
