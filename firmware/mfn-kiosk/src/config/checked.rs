//! Settings of detector, decision and enrolment as the types of the crates that they are for.

use std::time::Duration;

use mfn_access::{AccessPolicy, AccessSettings};
use mfn_engine::{DetectorOptions, ModelFolder, QualityLimits};

use super::Config;
use crate::enrolment::checks::Limits;
use crate::exit::Failure;

/// The threshold for recognisers that nothing was measured with. With the one that the project started from, other
/// people reach 0.12 on the portraits that come with the sources and the same person 0.71 to 0.81.
const UNMEASURED: f32 = 0.4;

impl Config {
    /// How the detector looks at frames; the engine checks the input size against its network.
    pub fn detector(&self) -> DetectorOptions {
        let detector = &self.settings.detector;
        DetectorOptions {
            width: detector.width,
            height: detector.height,
            score: detector.score as f32,
            iou: detector.overlap as f32,
            small_faces: detector.small_faces,
            ..DetectorOptions::default()
        }
    }

    /// The detector's strides halve its input five times.
    ///
    /// # Errors
    /// A side that is no multiple of 32.
    pub(super) fn check_detector(&self) -> Result<(), Failure> {
        let detector = &self.settings.detector;
        for (key, side) in [("detector.width", detector.width), ("detector.height", detector.height)] {
            if side % 32 != 0 {
                return Err(self.wrong(key, format_args!("{side} is no multiple of 32")));
            }
        }
        Ok(())
    }

    /// When somebody is let in, among so many people.
    ///
    /// # Errors
    /// Settings that are each within their range but do not fit together.
    pub fn policy(&self, people: usize) -> Result<AccessPolicy, Failure> {
        let decision = &self.settings.decision;
        let seconds = Duration::from_secs_f64;
        let settings = AccessSettings {
            threshold: self.threshold(people),
            margin: decision.margin as f32,
            near_miss: decision.near_miss as f32,
            votes: decision.votes as usize,
            window: decision.window as usize,
            max_frame_gap: seconds(decision.max_frame_gap_s),
            max_frame_age: seconds(decision.max_frame_age_s),
            hold_off: seconds(decision.hold_off_s),
            denial_hold_off: seconds(decision.denial_hold_off_s),
            pulse: seconds(self.settings.door.pulse_s),
            several_people_ratio: decision.several_people_ratio as f32,
            max_shift: decision.max_shift as f32,
            max_growth: decision.max_growth as f32,
        };
        AccessPolicy::new(settings).map_err(|e| self.wrong("[decision]", e))
    }

    /// What a picture must reach at enrolment.
    pub fn enrolment_limits(&self) -> QualityLimits {
        let limits = &self.settings.enrolment;
        QualityLimits {
            eye_distance: limits.eye_distance as f32,
            yaw: limits.yaw as f32,
            pitch: limits.pitch as f32,
            roll: limits.roll as f32,
            sharpness: limits.sharpness as f32,
            brightness: (limits.darkest as f32, limits.brightest as f32),
            clipped: limits.clipped as f32,
        }
    }

    /// Least similarity of two faces that are called the same person, among so many people.
    pub fn threshold(&self, people: usize) -> f32 {
        let decision = &self.settings.decision;
        let own = Some(decision.threshold as f32).filter(|own| *own > 0.0);
        let least = own.or(self.model_threshold).unwrap_or(UNMEASURED);
        let measured = self.calibration().map(|c| c.threshold(people, decision.target_fpir) as f32);
        measured.map_or(least, |measured| measured.max(least))
    }

    /// Takes the recogniser's own threshold where the configuration gives none.
    pub fn follow(&mut self, recogniser: &ModelFolder) {
        self.model_threshold = recogniser.thresholds().map(|thresholds| thresholds.fmr_1e4 as f32);
    }

    /// Similarities that enrolments among so many people are judged by.
    pub fn enrolment_similarities(&self, people: usize) -> Limits {
        let own = self.settings.enrolment.look_alike as f32;
        let same = self.threshold(people);
        Limits { same, look_alike: if own > 0.0 { own } else { same } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_crates_own() {
        let config = Config::default();
        assert_eq!(config.policy(0).unwrap(), AccessPolicy::default());
        assert_eq!(config.detector(), DetectorOptions::default());
        assert_eq!(config.enrolment_limits(), QualityLimits::ENROLMENT);
        assert_eq!(config.enrolment_similarities(0).look_alike, 0.4);
    }

    #[test]
    fn the_configurations_threshold_goes_before_the_models() {
        let mut config = Config { model_threshold: Some(0.3), ..Config::default() };
        assert_eq!(config.threshold(5), 0.3);
        config.settings.decision.threshold = 0.25;
        assert_eq!(config.threshold(5), 0.25);
    }

    #[test]
    fn settings_that_do_not_fit_together_are_refused() {
        let mut config = Config::default();
        config.settings.decision.votes = 6;
        let text = config.policy(0).unwrap_err().error.to_string();
        assert!(text.contains("votes"), "{text}");
    }
}
