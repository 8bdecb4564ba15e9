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
