//! A camera whose pictures, errors and times are given, for tests of what stands above cameras.

use std::collections::VecDeque;

use mfn_vision::Frame;

use super::{Camera, CameraError, Captured};

/// Shows the given frames in order, exactly as they are (number and time included), then ends. Waits for
/// nothing: whoever tests keeps the time.
#[derive(Debug, Default)]
pub struct ScriptedCamera {
    script: VecDeque<Result<Frame, CameraError>>,
}

impl ScriptedCamera {
    /// A camera that delivers these, one a call.
    #[must_use]
    pub fn new(script: impl IntoIterator<Item = Result<Frame, CameraError>>) -> ScriptedCamera {
        ScriptedCamera { script: script.into_iter().collect() }
    }
}

impl Camera for ScriptedCamera {
    fn capture(&mut self, frame: &mut Frame) -> Result<Captured, CameraError> {
        let Some(next) = self.script.pop_front() else { return Ok(Captured::End) };
        *frame = next?;
        Ok(Captured::Picture)
    }

    fn describe(&self) -> String {
        format!("scripted camera, {} frames left", self.script.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_script_is_played_and_then_ends() {
        let frame = Frame { sequence: 7, captured_at: Duration::from_millis(40), ..Frame::empty() };
        let gone = CameraError::Gone { path: "camera".into() };
        let mut camera = ScriptedCamera::new([Err(gone), Ok(frame)]);
        let mut shown = Frame::empty();
        assert!(matches!(camera.capture(&mut shown), Err(CameraError::Gone { .. })));
        assert_eq!(camera.capture(&mut shown).unwrap(), Captured::Picture);
        assert_eq!((shown.sequence, shown.captured_at), (7, Duration::from_millis(40)));
        assert_eq!(camera.capture(&mut shown).unwrap(), Captured::End);
    }
}
