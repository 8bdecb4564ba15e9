//! What a run amounted to: frames, times, memory.

use std::fmt;
use std::time::{Duration, Instant};

use mfn_access::{Decision, Sighting};
use serde::Serialize;

use crate::limits;
use crate::pipeline::Stages;

/// Counts while the kiosk runs.
pub struct Summary {
    start: Instant,
    processed: u64,
    with_face: u64,
    times: Stages<Duration>,
    /// When networks and gallery were loaded: frames from before waited for that.
    ready: Duration,
    first_frame: Option<Duration>,
    first_face: Option<Duration>,
    first_decision: Option<Duration>,
    first_grant: Option<Duration>,
    grants: u64,
    denials: u64,
}

/// The counts at the end, as `--json` prints them. Times in milliseconds, memory in KiB.
#[derive(Debug, Serialize)]
pub struct Totals {
    /// Frames that the camera gave.
    frames_seen: u64,
    /// Frames that went through the networks.
    frames_processed: u64,
    /// Frames that a newer one replaced.
    frames_dropped: u64,
    /// Processed frames with at least one face.
    frames_with_face: u64,
    grants: u64,
    denials: u64,
    /// Mean milliseconds of each stage.
    stage_ms: Stages<f64>,
    /// From start to the first processed frame.
    first_frame_ms: Option<u64>,
    /// From start to the first decision.
    first_decision_ms: Option<u64>,
    /// From the first frame with a face (its capture, or when the kiosk was ready for it) to the first grant.
    first_face_to_grant_ms: Option<u64>,
    run_ms: u64,
    peak_memory_kib: Option<u64>,
    memory_kib: Option<u64>,
    threads: Option<u64>,
}

impl Summary {
    /// Nothing yet.
    pub fn new(start: Instant) -> Summary {
        Summary {
            start,
            processed: 0,
            with_face: 0,
            times: Stages::default(),
            ready: Duration::ZERO,
            first_frame: None,
            first_face: None,
            first_decision: None,
            first_grant: None,
            grants: 0,
            denials: 0,
        }
    }

    /// Networks and gallery are loaded.
    pub fn ready(&mut self) {
        self.ready = self.start.elapsed();
    }

    /// A frame was processed.
    pub fn frame(&mut self, sighting: &Sighting, times: &Stages<Duration>) {
        self.processed += 1;
        self.times.add(times);
        self.first_frame.get_or_insert(self.start.elapsed());
        if !sighting.faces.is_empty() {
            self.with_face += 1;
            self.first_face.get_or_insert(sighting.captured.max(self.ready));
        }
    }

    /// A decision was taken.
    pub fn decision(&mut self, decision: &Decision, now: Duration) {
        self.first_decision.get_or_insert(now);
        match decision {
            Decision::Grant { .. } => {
                self.grants += 1;
                self.first_grant.get_or_insert(now);
            }
            Decision::Deny { .. } => self.denials += 1,
        }
    }

    /// How many frames were processed.
    pub fn processed(&self) -> u64 {
        self.processed
    }

    /// The totals; `seen` and `dropped` are the camera's side.
    pub fn finish(&self, seen: u64, dropped: u64) -> Totals {
        let ms = |d: Duration| d.as_millis() as u64;
        let grant = self.first_grant.zip(self.first_face);
        Totals {
            frames_seen: seen,
            frames_processed: self.processed,
            frames_dropped: dropped,
            frames_with_face: self.with_face,
            grants: self.grants,
            denials: self.denials,
            stage_ms: self.times.milliseconds(self.processed),
            first_frame_ms: self.first_frame.map(ms),
            first_decision_ms: self.first_decision.map(ms),
            first_face_to_grant_ms: grant.map(|(grant, face)| ms(grant.saturating_sub(face))),
            run_ms: ms(self.start.elapsed()),
            peak_memory_kib: limits::peak_memory_kib(),
            memory_kib: limits::memory_kib(),
            threads: limits::threads(),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = &self.stage_ms;
        write!(
            f,
            "{} frames, {} processed, {} dropped; {} grants, {} denials; ms a frame: convert {:.1}, detect {:.1}, \
             align {:.1}, embed {:.1}, search {:.1}",
            self.frames_seen,
            self.frames_processed,
            self.frames_dropped,
            self.grants,
            self.denials,
            stage.convert,
            stage.detect,
            stage.align,
            stage.embed,
            stage.search
        )?;
        let optional = [
            ("first decision after ms", self.first_decision_ms),
            ("first face to grant ms", self.first_face_to_grant_ms),
            ("peak memory KiB", self.peak_memory_kib),
        ];
        for (what, value) in optional {
            if let Some(value) = value {
                write!(f, "; {what} {value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mfn_access::Face;
    use mfn_template::PersonId;

    #[test]
    fn a_grant_is_timed_from_the_first_face() {
        let mut summary = Summary::new(Instant::now());
        let at = Duration::from_millis;
        let face = Face { area: mfn_access::FaceBox::default(), probe: mfn_access::Probe::Missing };
        for (sequence, faces) in [(1, vec![]), (2, vec![face.clone()]), (3, vec![face])] {
            let sighting = Sighting { sequence, captured: at(100 * sequence), local_time: None, faces };
            summary.frame(&sighting, &Stages::default());
        }
        summary.decision(&Decision::Grant { person: PersonId(1), similarity: 0.7, votes: 3 }, at(450));
        let totals = summary.finish(5, 2);
        assert_eq!((totals.frames_processed, totals.frames_with_face, totals.grants), (3, 2, 1));
        assert_eq!((totals.first_face_to_grant_ms, totals.first_decision_ms), (Some(250), Some(450)));
    }
}
