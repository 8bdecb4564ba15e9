//! The numbers that a decision depends on, checked once so that no later step meets a wrong one.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// A setting outside its range.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyError {
    /// Name of the field of [`AccessSettings`] or [`DoorSettings`](crate::DoorSettings).
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: &'static str,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but must be {}", self.setting, self.value, self.allowed)
    }
}

impl std::error::Error for PolicyError {}

/// Fails with a [`PolicyError`] unless the condition holds.
pub(crate) fn require(
    holds: bool,
    setting: &'static str,
    value: impl fmt::Debug,
    allowed: &'static str,
) -> Result<(), PolicyError> {
    if holds { Ok(()) } else { Err(PolicyError { setting, value: format!("{value:?}"), allowed }) }
}

/// How long a door is released: 100 ms (a strike needs some 50 ms to move) to 30 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pulse(Duration);

impl Pulse {
    /// The shortest.
    pub const MIN: Pulse = Pulse(Duration::from_millis(100));
    /// The longest.
    pub const MAX: Pulse = Pulse(Duration::from_secs(30));

    /// Checks and takes a duration.
    ///
    /// # Errors
    /// When it is not 100 ms to 30 s.
    pub fn new(duration: Duration) -> Result<Pulse, PolicyError> {
        let allowed = Pulse::MIN.0..=Pulse::MAX.0;
        require(allowed.contains(&duration), "pulse", duration, "100 ms to 30 s")?;
        Ok(Pulse(duration))
    }

    /// The duration.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

/// What [`AccessPolicy::new`] checks. The defaults suit a door with a camera at 5 to 30 frames a second.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessSettings {
    /// Least cosine similarity of a vote, over 0 and under 1. It follows from the recogniser, the target
    /// FPIR and the number of people enrolled, so calibrate it; 0.4 lies between the mated and the
    /// non-mated similarities of ArcFace-like networks on good photographs and is only a start.
    pub threshold: f32,
    /// Least lead over the next person, 0 to under 1. 0.05: siblings and look-alikes come closer than
    /// that to each other, other people do not come over the threshold at all.
    pub margin: f32,
    /// How far under the threshold a face is still "nearly this person" and not "unknown", from 0 to the
    /// threshold. Such a frame neither votes nor voids a running vote for that very person: one frame
    /// of a moving face easily loses 0.1.
    pub near_miss: f32,
    /// Frames that must agree (k), 1 to `window`. 3: a single false match opens nothing.
    pub votes: usize,
    /// The last frames that they are among (n), up to 32. 5: two blinks or blurs are forgiven.
    pub window: usize,
    /// Longest time between two frames of one approach, 10 ms to 5 s. 800 ms: slow boards manage two
    /// frames in it, a person can hardly be exchanged unseen.
    pub max_frame_gap: Duration,
    /// Age from which a frame is no evidence any more, 50 ms to 5 s. 1 s: the door must not open after
    /// the person has left.
    pub max_frame_age: Duration,
    /// After a grant no second one for the same approach, 0 to 5 minutes. 5 s: longer than the pulse.
    pub hold_off: Duration,
    /// The same denial is not reported again for this long, 100 ms to 5 minutes. 3 s: keeps the audit
    /// log readable and a display steady.
    pub denial_hold_off: Duration,
    /// How long a grant releases the door. 3 s: time to reach for the handle.
    pub pulse: Duration,
    /// A face with at least this part of the nearest face's area makes it several people; over 0, up to
    /// 1. 0.5: someone less than 1.4 times as far away as the nearest contends, passers-by do not.
    pub several_people_ratio: f32,
    /// How far a face moves between two frames, in widths (heights) of the box, over 0 and up to 2.
    /// 1: a brisk walk across at five frames a second; less than the distance between two heads.
    pub max_shift: f32,
    /// How many times larger or smaller its sides get between two frames, 1 to 4. 1.6: a step towards
    /// the camera at a metre.
    pub max_growth: f32,
}

impl Default for AccessSettings {
    fn default() -> AccessSettings {
        AccessSettings {
            threshold: 0.4,
            margin: 0.05,
            near_miss: 0.1,
            votes: 3,
            window: 5,
            max_frame_gap: Duration::from_millis(800),
            max_frame_age: Duration::from_millis(1000),
            hold_off: Duration::from_secs(5),
            denial_hold_off: Duration::from_secs(3),
            pulse: Duration::from_secs(3),
            several_people_ratio: 0.5,
            max_shift: 1.0,
            max_growth: 1.6,
        }
    }
}

/// Settings that were checked; read them through `Deref`.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessPolicy {
    settings: AccessSettings,
    pulse: Pulse,
}

impl AccessPolicy {
    /// Most frames that a vote may look back on.
    pub const MAX_WINDOW: usize = 32;

    /// Checks settings.
    ///
    /// # Errors
    /// Names the first setting that is out of the range which its documentation gives.
    pub fn new(settings: AccessSettings) -> Result<AccessPolicy, PolicyError> {
        let pulse = Pulse::new(settings.pulse)?;
        check_similarities(&settings)?;
        check_votes(&settings)?;
        check_times(&settings)?;
        check_geometry(&settings)?;
        Ok(AccessPolicy { settings, pulse })
    }

    /// How long a grant releases the door.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse
    }
}

impl Default for AccessPolicy {
    fn default() -> AccessPolicy {
        let settings = AccessSettings::default();
        AccessPolicy { pulse: Pulse(settings.pulse), settings }
    }
}

impl Deref for AccessPolicy {
    type Target = AccessSettings;

    fn deref(&self) -> &AccessSettings {
        &self.settings
    }
}

fn check_similarities(s: &AccessSettings) -> Result<(), PolicyError> {
    let inside = s.threshold > 0.0 && s.threshold < 1.0;
    require(inside, "threshold", s.threshold, "over 0 and under 1")?;
    require((0.0..1.0).contains(&s.margin), "margin", s.margin, "0 to under 1")?;
    let near = (0.0..=s.threshold).contains(&s.near_miss);
    require(near, "near_miss", s.near_miss, "0 to the threshold")
}

fn check_votes(s: &AccessSettings) -> Result<(), PolicyError> {
    let window = (1..=AccessPolicy::MAX_WINDOW).contains(&s.window);
    require(window, "window", s.window, "1 to 32 frames")?;
    require((1..=s.window).contains(&s.votes), "votes", s.votes, "1 to the number of frames in the window")
}

fn check_times(s: &AccessSettings) -> Result<(), PolicyError> {
    let within = |value: Duration, low: u64, high: u64| {
        (Duration::from_millis(low)..=Duration::from_millis(high)).contains(&value)
    };
    let five_minutes = 300_000;
    require(within(s.max_frame_gap, 10, 5000), "max_frame_gap", s.max_frame_gap, "10 ms to 5 s")?;
    require(within(s.max_frame_age, 50, 5000), "max_frame_age", s.max_frame_age, "50 ms to 5 s")?;
    require(within(s.hold_off, 0, five_minutes), "hold_off", s.hold_off, "0 to 5 minutes")?;
    let denial = within(s.denial_hold_off, 100, five_minutes);
    require(denial, "denial_hold_off", s.denial_hold_off, "100 ms to 5 minutes")
}

fn check_geometry(s: &AccessSettings) -> Result<(), PolicyError> {
    let ratio = s.several_people_ratio > 0.0 && s.several_people_ratio <= 1.0;
    require(ratio, "several_people_ratio", s.several_people_ratio, "over 0, up to 1")?;
    require(s.max_shift > 0.0 && s.max_shift <= 2.0, "max_shift", s.max_shift, "over 0, up to 2")?;
    require((1.0..=4.0).contains(&s.max_growth), "max_growth", s.max_growth, "1 to 4")
}
