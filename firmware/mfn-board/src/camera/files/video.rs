//! A video file: its kind is told by its first bytes, its pictures are read one at a time.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use mfn_vision::Frame;

use super::{Pictures, avi::Avi, jpeg::MotionJpeg, y4m::Y4m};
use crate::camera::CameraError;

/// A side of a picture in pixels; what `mfn_vision::to_rgb` accepts.
pub const SIDES: std::ops::RangeInclusive<u32> = 2..=mfn_vision::MAX_FRAME_SIDE;

/// What every kind of video can do. Errors are reasons, without the file's name.
pub trait Stream: Send {
    /// As [`Pictures::next`].
    fn next(&mut self, frame: &mut Frame) -> Result<bool, String>;
    /// As [`Pictures::rewind`].
    fn rewind(&mut self) -> Result<(), String>;
    /// Pictures a second as the file says; 25 where it says nothing.
    fn period(&self) -> Duration;
    /// The kind.
    fn kind(&self) -> &'static str;
}

/// A video file on disk.
pub struct Video {
    path: PathBuf,
    stream: Box<dyn Stream>,
    /// After an error the file's rest is not looked at: it could fail for ever.
    broken: bool,
}

impl Video {
    /// Opens an ordinary file of one of the three kinds.
    pub fn open(path: &Path) -> Result<Video, CameraError> {
        let failed = |source| CameraError::Io { action: "open the video", path: path.into(), source };
        let media = |reason| CameraError::Media { path: path.into(), reason };
        // Asked before opening: opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(media("is not an ordinary file; name a Y4M, AVI or MJPEG file".into()));
        }
        let reader = BufReader::with_capacity(64 * 1024, File::open(path).map_err(failed)?);
        let stream = open_stream(reader).map_err(media)?;
        Ok(Video { path: path.into(), stream, broken: false })
    }
}

fn open_stream<R: BufRead + Seek + Send + 'static>(mut reader: R) -> Result<Box<dyn Stream>, String> {
    let mut start = Vec::new();
    reader.by_ref().take(12).read_to_end(&mut start).map_err(unreadable)?;
    reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    if start.starts_with(b"YUV4MPEG2") {
        return Ok(Box::new(Y4m::open(reader)?));
    }
    if start.starts_with(b"RIFF") && start.ends_with(b"AVI ") {
        return Ok(Box::new(Avi::open(reader)?));
    }
    if start.starts_with(&[0xff, 0xd8, 0xff]) {
        return Ok(Box::new(MotionJpeg::new(reader)));
    }
    Err("is no video that can be read: use Y4M, MJPEG in AVI, or JPEG pictures one after the other".into())
}

/// A read error as a reason.
pub fn unreadable(error: std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        "is cut short".into()
    } else {
        format!("cannot be read: {error}")
    }
}

/// A rate of `pictures` in `seconds` as a period, where it is between 1 and 1000 a second; 25 otherwise.
pub fn period(pictures: u32, seconds: u32) -> Duration {
    let period = f64::from(seconds) / f64::from(pictures);
    if (0.001..=1.0).contains(&period) { Duration::from_secs_f64(period) } else { Duration::from_millis(40) }
}

impl Pictures for Video {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, CameraError> {
        if self.broken {
            return Ok(false);
        }
        self.stream.next(frame).map_err(|reason| {
            self.broken = true;
            CameraError::Media { path: self.path.clone(), reason }
        })
    }

    fn rewind(&mut self) -> Result<(), CameraError> {
        self.broken = false;
        self.stream.rewind().map_err(|reason| CameraError::Media { path: self.path.clone(), reason })
    }

    fn period(&self) -> Duration {
        self.stream.period()
    }

    fn describe(&self) -> String {
        format!("{} video {}", self.stream.kind(), self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const AVI: &[u8] = include_bytes!("../../../tests/data/pattern.avi");
    const MJPEG: &[u8] = include_bytes!("../../../tests/data/pattern.mjpeg");

    fn y4m() -> Vec<u8> {
        let picture = [b"FRAME\n".as_slice(), &[7; 24]].concat();
        [b"YUV4MPEG2 W4 H4 F30:1 C420\n".as_slice(), &picture, &picture].concat()
    }

    /// Plays a file to its end or first error; says how many pictures it showed. Each picture has the bytes
    /// that its size needs, and no more of them than the file can give.
    fn play(file: Vec<u8>) -> Result<usize, String> {
        let len = file.len();
        let mut stream = open_stream(Cursor::new(file))?;
        let mut frame = Frame::empty();
        let mut shown = 0;
        while stream.next(&mut frame)? {
            assert!(SIDES.contains(&frame.width) && SIDES.contains(&frame.height));
            assert!(!frame.data.is_empty() && frame.data.len() <= len);
            shown += 1;
            assert!(shown <= len, "shows pictures for ever");
        }
        Ok(shown)
    }

    #[test]
    fn whole_files_play_and_cut_ones_say_so() {
        assert_eq!((play(AVI.into()), play(MJPEG.into()), play(y4m())), (Ok(3), Ok(3), Ok(2)));
        for whole in [MJPEG, &y4m()] {
            let error = play(whole[..whole.len() - 20].into()).unwrap_err();
            assert!(error.contains("cut short"), "{error}");
        }
        let error = play(AVI[..5000].into()).unwrap_err();
        assert!(error.contains("cut short"), "{error}");
    }

    #[test]
    fn large_claims_cost_no_memory() {
        let error = play(b"YUV4MPEG2 W8192 H8192 C444\nFRAME\nshort".to_vec()).unwrap_err();
        assert!(error.contains("cut short"), "{error}");
        let mut huge = AVI.to_vec();
        let chunk = huge.windows(4).position(|name| name == b"00dc").unwrap();
        huge[chunk + 4..chunk + 8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(play(huge).unwrap_err().contains("at most"));
    }

    #[test]
    fn rates_that_make_no_sense_become_25() {
        assert_eq!(period(12, 1), Duration::from_secs_f64(1.0 / 12.0));
        for (pictures, seconds) in [(0, 0), (0, 1), (1, 0), (u32::MAX, 1), (1, 9)] {
            assert_eq!(period(pictures, seconds), Duration::from_millis(40));
        }
    }

    proptest! {
        #[test]
        fn mutated_files_are_errors_and_no_panics(
            kind in 0..3usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut file = [AVI.to_vec(), MJPEG.to_vec(), y4m()][kind].clone();
            for (place, value) in &changes {
                let place = place.index(file.len());
                file[place] = *value;
            }
            file.truncate(cut.index(file.len()) + 1);
            let _ = play(file);
        }

        #[test]
        fn headers_of_arbitrary_text_are_errors_and_no_panics(words in "[WHFCIXA 0-9:a-z-]{0,60}") {
            let _ = play(format!("YUV4MPEG2 {words}\nFRAME\n").into_bytes());
        }
    }
}
