//! One open, streaming V4L2 device. All calls into `v4l` are here, with what has to be kept from it: some of
//! its functions panic where a driver answers in a way that it does not know.

use std::{
    io,
    mem::forget,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mfn_vision::{Frame, PixelFormat};
use rustix::{event::PollFlags, io::Errno};
use v4l::{
    Format, FourCC,
    buffer::{Flags, Metadata, Type},
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    io::{
        mmap::Stream,
        traits::{CaptureStream, Stream as _},
    },
    video::{Capture, capture::Parameters},
};

use super::modes::{self, Mode, side_in_steps};
use crate::camera::{CameraError, CameraOptions, Size};

/// Pictures in flight: one is read here while the driver fills another; two more bridge a busy moment.
const BUFFERS: u32 = 4;

/// No camera is asked for more than this, so that one that offers 30 and 120 is not run at 120.
const RATE_LIMIT: f64 = 30.5;

const FORMATS: [(PixelFormat, [u8; 4]); 4] = [
    (PixelFormat::Nv12, *b"NV12"),
    (PixelFormat::Yuyv, *b"YUYV"),
    (PixelFormat::Mjpeg, *b"MJPG"),
    (PixelFormat::Grey, *b"GREY"),
];

/// What waiting brought.
pub enum Next {
    /// A whole picture.
    Picture,
    /// A picture that the driver flagged, or a short one.
    Damaged,
    /// Nothing in time.
    Nothing,
}

/// A device that streams in one mode.
pub struct Device {
    path: PathBuf,
    /// Taken only when the device is closed.
    stream: Option<Stream<'static>>,
    streaming: bool,
    format: PixelFormat,
    width: u32,
    height: u32,
    stride: u32,
    /// Added to the driver's numbers, which begin anew with each start.
    first_sequence: u64,
    driver_first: Option<u32>,
}

impl Device {
    /// Opens the device in the mode that suits the options best.
    pub fn open(path: &Path, options: &CameraOptions, first_sequence: u64) -> Result<Device, CameraError> {
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(CameraError::Absent { path: path.into() });
        }
        let device = v4l::Device::with_path(path).map_err(|e| failure("open", path, e))?;
        let (format, actual) = set_mode(&device, path, options.size)?;
        let stream = Stream::with_buffers(&device, Type::VideoCapture, BUFFERS)
            .map_err(|e| failure("map the pictures of", path, e))?;
        Ok(Device {
            path: path.into(),
            stream: Some(stream),
            streaming: false,
            format,
            width: actual.width,
            height: actual.height,
            stride: if format == PixelFormat::Mjpeg { 0 } else { actual.stride },
            first_sequence,
            driver_first: None,
        })
    }

    /// Format and size, for people.
    pub fn mode(&self) -> String {
        format!("{:?} {}x{}", self.format, self.width, self.height)
    }

    /// Waits for a picture and copies it into the frame.
    pub fn next(&mut self, wait: Duration, frame: &mut Frame) -> Result<Next, CameraError> {
        let answer = self.try_next(wait, frame);
        answer.map_err(|e| failure("read from", &self.path, e))
    }

    fn try_next(&mut self, wait: Duration, frame: &mut Frame) -> io::Result<Next> {
        let Some(stream) = &mut self.stream else { return Ok(Next::Nothing) };
        // A stream that has begun is waited for here: v4l cannot go on after its own wait ended in vain.
        if self.streaming && !wait_readable(stream, wait)? {
            return Ok(Next::Nothing);
        }
        stream.set_timeout(wait.max(Duration::from_millis(1)));
        let (bytes, about) = match CaptureStream::next(stream) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(Next::Nothing),
            answer => answer?,
        };
        let whole = whole_picture(bytes, about, self.stride, self.height, self.format);
        if let Some(picture) = whole {
            frame.data.clear();
            frame.data.extend_from_slice(picture);
        }
        let number = about.sequence;
        let found = whole.is_some();
        self.streaming = true;
        self.label(frame, number);
        Ok(if found { Next::Picture } else { Next::Damaged })
    }

    fn label(&mut self, frame: &mut Frame, number: u32) {
        let first = *self.driver_first.get_or_insert(number);
        frame.format = self.format;
        (frame.width, frame.height, frame.stride) = (self.width, self.height, self.stride);
        frame.sequence = self.first_sequence + u64::from(number.wrapping_sub(first));
    }
}

/// Waits until a picture is ready or the device reports trouble; signals do not end the wait.
fn wait_readable(stream: &Stream, wait: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + wait;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let milliseconds = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
        match stream.handle().poll(PollFlags::IN.bits() as i16, milliseconds) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return Ok(answer? > 0),
        }
    }
}

/// The picture's bytes, unless the driver flagged it or it has too few.
fn whole_picture<'a>(
    bytes: &'a [u8],
    about: &Metadata,
    stride: u32,
    height: u32,
    format: PixelFormat,
) -> Option<&'a [u8]> {
    let luma = stride as usize * height as usize;
    let needed = match format {
        PixelFormat::Mjpeg => 1,
        PixelFormat::Nv12 => luma + luma / 2,
        _ => luma,
    };
    let used = bytes.get(..about.bytesused as usize)?;
    (!about.flags.contains(Flags::ERROR) && used.len() >= needed).then_some(used)
}

impl Drop for Device {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        // v4l panics when a stream that is dropped cannot be stopped, unless it is gone.
        match stream.stop() {
            Err(error) if error.raw_os_error() != Some(Errno::NODEV.raw_os_error()) => {
                log::warn!("camera {} cannot be stopped and stays open: {error}", self.path.display());
                forget(stream);
            }
            _ => drop(stream),
        }
    }
}

/// Sets the best mode and says which format and layout the driver made of it.
fn set_mode(device: &v4l::Device, path: &Path, wanted: Size) -> Result<(PixelFormat, Format), CameraError> {
    let offered = offered_modes(device, wanted);
    let guesses = FORMATS.map(|(format, _)| Mode { format, size: wanted, rate: None });
    // A driver that enumerates nothing, or something that it then refuses, is asked for each of our formats.
    for mode in modes::best(&offered, wanted).into_iter().chain(guesses) {
        let fourcc =
            FORMATS.iter().find(|(format, _)| *format == mode.format).map_or([0; 4], |(_, code)| *code);
        let asked = Format::new(mode.size.width, mode.size.height, FourCC::new(&fourcc));
        match device.set_format(&asked) {
            Ok(actual) if actual.fourcc.repr == fourcc => {
                set_rate(device, mode.rate);
                return Ok((mode.format, actual));
            }
            Err(error) if !is_refusal(&error) => return Err(failure("set the mode of", path, error)),
            _ => {}
        }
    }
    Err(CameraError::Unsupported { path: path.into() })
}

/// Sets the pace where the driver lets us; its own choice is good too.
fn set_rate(device: &v4l::Device, rate: Option<f64>) {
    if let Some(rate) = rate
        && let Err(error) = device.set_params(&Parameters::with_fps(rate.round().max(1.0) as u32))
    {
        log::debug!("the camera keeps its own pace: {error}");
    }
}

/// All sizes of all our formats. Asking for sizes also tells which formats there are: v4l's own list of
/// formats panics on a name that is not UTF-8.
fn offered_modes(device: &v4l::Device, wanted: Size) -> Vec<Mode> {
    let mut found = Vec::new();
    for (format, code) in FORMATS {
        let fourcc = FourCC::new(&code);
        for offer in device.enum_framesizes(fourcc).unwrap_or_default() {
            let size = size_of_offer(&offer.size, wanted);
            found.push(Mode { format, size, rate: best_rate(device, fourcc, size) });
        }
    }
    found
}

fn size_of_offer(offer: &FrameSizeEnum, wanted: Size) -> Size {
    match offer {
        FrameSizeEnum::Discrete(size) => Size { width: size.width, height: size.height },
        FrameSizeEnum::Stepwise(range) => Size {
            width: side_in_steps(wanted.width, range.min_width, range.max_width, range.step_width),
            height: side_in_steps(wanted.height, range.min_height, range.max_height, range.step_height),
        },
    }
}

/// The fastest pace up to the limit, or the slowest above it.
fn best_rate(device: &v4l::Device, fourcc: FourCC, size: Size) -> Option<f64> {
    let intervals = device.enum_frameintervals(fourcc, size.width, size.height).ok()?;
    let rates = intervals.iter().map(|offer| {
        let fraction = match &offer.interval {
            FrameIntervalEnum::Discrete(fraction) => fraction,
            FrameIntervalEnum::Stepwise(range) => &range.min,
        };
        f64::from(fraction.denominator) / f64::from(fraction.numerator.max(1))
    });
    let (slow, fast): (Vec<f64>, Vec<f64>) = rates.partition(|&rate| rate <= RATE_LIMIT);
    slow.into_iter().max_by(f64::total_cmp).or(fast.into_iter().min_by(f64::total_cmp))
}

/// Answers of a device that is no camera (NOSYS is qemu's), or of one that has not got a mode.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::INVAL | Errno::NOTTY | Errno::NOSYS)
    )
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> CameraError {
    let path = path.to_owned();
    match source.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => CameraError::Absent { path },
        Some(Errno::NODEV | Errno::NXIO | Errno::IO) => CameraError::Gone { path },
        Some(Errno::ACCESS | Errno::PERM) => CameraError::Permission { path },
        Some(Errno::BUSY) => CameraError::Busy { path },
        _ => CameraError::Io { action, path, source },
    }
}
