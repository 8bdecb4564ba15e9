//! Which of a camera's modes suits best. Pure.

use mfn_vision::{MAX_FRAME_SIDE, PixelFormat};

use crate::camera::Size;

/// Pictures a second below which a mode loses: the vote over several frames has to end within a second.
const FAST_ENOUGH: f64 = 15.0;

/// One way in which a camera can deliver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Layout of its pictures.
    pub format: PixelFormat,
    /// Their size.
    pub size: Size,
    /// Its fastest pace up to 30 a second, where the driver says it.
    pub rate: Option<f64>,
}

/// The mode of least cost; `None` of none.
pub fn best(modes: &[Mode], wanted: Size) -> Option<Mode> {
    let sizes_we_read = |mode: &&Mode| mode.size.width.max(mode.size.height) <= MAX_FRAME_SIDE;
    modes.iter().filter(sizes_we_read).min_by(|a, b| cost(a, wanted).total_cmp(&cost(b, wanted))).copied()
}

/// What a mode costs beside the wanted one, in doublings of work or halvings of use:
/// area that is too much, pace that is too slow; a missing part of the wanted picture counts 8 times, no
/// colour 4; decoding JPEG a quarter, and YUYV, which has more bytes than NV12, a little.
fn cost(mode: &Mode, wanted: Size) -> f64 {
    let across = f64::from(mode.size.width) / f64::from(wanted.width);
    let down = f64::from(mode.size.height) / f64::from(wanted.height);
    let missing = 1.0 - across.min(1.0) * down.min(1.0);
    let excess = (across * down).log2().max(0.0);
    let slow = mode.rate.map_or(0.0, |rate| (FAST_ENOUGH / rate.max(0.1)).log2().max(0.0));
    let format = match mode.format {
        PixelFormat::Rgb | PixelFormat::Nv12 => 0.0,
        PixelFormat::Yuyv => 0.05,
        PixelFormat::Mjpeg => 0.25,
        PixelFormat::Grey => 4.0,
    };
    8.0 * missing + excess + slow + format
}

/// One side of a picture that can be chosen within a range, as near to the wanted one as the steps allow,
/// rather larger than smaller.
pub fn side_in_steps(wanted: u32, min: u32, max: u32, step: u32) -> u32 {
    let above = wanted.clamp(min, max.max(min)) - min;
    let stepped = u64::from(min) + u64::from(above).next_multiple_of(u64::from(step.max(1)));
    let last = max.max(min) - (max.max(min) - min) % step.max(1);
    stepped.min(u64::from(last)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VGA: Size = Size { width: 640, height: 480 };

    fn mode(format: PixelFormat, width: u32, height: u32, rate: f64) -> Mode {
        Mode { format, size: Size { width, height }, rate: Some(rate) }
    }

    #[test]
    fn a_webcam_gives_the_wanted_size_raw() {
        use PixelFormat::{Mjpeg, Yuyv};
        let modes = [
            mode(Mjpeg, 1920, 1080, 30.0),
            mode(Mjpeg, 640, 480, 30.0),
            mode(Yuyv, 1280, 720, 10.0),
            mode(Yuyv, 640, 480, 30.0),
            mode(Yuyv, 320, 240, 30.0),
        ];
        assert_eq!(best(&modes, VGA), Some(modes[3]));
        let hd = Size { width: 1280, height: 720 };
        assert_eq!(best(&modes, hd), Some(modes[2]), "half a doubling too slow is better than 1080 rows");
        assert_eq!(
            best(&[modes[1], mode(Yuyv, 640, 480, 5.0)], VGA),
            Some(modes[1]),
            "5 a second is too slow"
        );
        assert_eq!(best(&[], VGA), None);
    }

    #[test]
    fn colour_and_size_come_first() {
        use PixelFormat::{Grey, Nv12, Yuyv};
        let grey = mode(Grey, 640, 480, 30.0);
        let large = mode(Yuyv, 1280, 960, 30.0);
        let tiny = mode(Yuyv, 160, 120, 30.0);
        assert_eq!(best(&[grey, large], VGA), Some(large));
        assert_eq!(best(&[grey, tiny], VGA), Some(grey));
        let nv12 = mode(Nv12, 640, 480, 30.0);
        assert_eq!(best(&[mode(Yuyv, 640, 480, 30.0), nv12], VGA), Some(nv12));
        assert_eq!(best(&[mode(Yuyv, 16384, 16384, 30.0)], VGA), None, "larger than we read");
    }

    #[test]
    fn steps() {
        assert_eq!(side_in_steps(640, 2, 4096, 2), 640);
        assert_eq!(side_in_steps(641, 2, 4096, 16), 642);
        assert_eq!(side_in_steps(640, 1280, 1920, 8), 1280);
        assert_eq!(side_in_steps(9999, 32, 1000, 64), 992);
    }

    proptest! {
        #[test]
        fn sides_stay_in_their_range(wanted in any::<u32>(), min in any::<u32>(), max in any::<u32>(), step in any::<u32>()) {
            let side = side_in_steps(wanted, min, max, step);
            prop_assert!(side >= min && side <= max.max(min));
            prop_assert!((side - min).is_multiple_of(step.max(1)));
        }
    }
}
