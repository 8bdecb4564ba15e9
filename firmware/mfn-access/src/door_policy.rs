//! The numbers that the door's own process depends on, checked once.

use std::ops::Deref;
use std::time::Duration;

use crate::policy::{PolicyError, Pulse, require};

/// What [`DoorPolicy::new`] checks.
#[derive(Clone, Debug, PartialEq)]
pub struct DoorSettings {
    /// The longest time that commands keep the line on without a break, however many come; 100 ms to
    /// 30 s. 10 s: more than any grant needs, and a strike's coil bears it.
    pub max_pulse: Duration,
    /// How long a request to exit releases the door, 100 ms to 30 s. 5 s: time to walk to the door.
    pub exit_pulse: Duration,
    /// Least break between two pulses on command, 10 ms to 10 s. 200 ms: without one, commands that
    /// follow each other would make one endless pulse.
    pub rest: Duration,
    /// How long the exit button must stay pressed (released) to count, 0 to 500 ms. 30 ms: contacts
    /// bounce for 5 to 20 ms, long wires pick up shorter pulses.
    pub debounce: Duration,
    /// After this long without a heartbeat the kiosk is lost, 100 ms to 1 s. 500 ms: the door closes
    /// within a second of a killed kiosk.
    pub heartbeat_timeout: Duration,
    /// How long after the line went off an opening door was still released, 0 to 5 s. 1 s: the hand was
    /// on the handle.
    pub grace: Duration,
    /// How long a door may stand open before it is reported as held, 1 s to 1 hour. 30 s.
    pub held_after: Duration,
}

impl Default for DoorSettings {
    fn default() -> DoorSettings {
        DoorSettings {
            max_pulse: Duration::from_secs(10),
            exit_pulse: Duration::from_secs(5),
            rest: Duration::from_millis(200),
            debounce: Duration::from_millis(30),
            heartbeat_timeout: Duration::from_millis(500),
            grace: Duration::from_secs(1),
            held_after: Duration::from_secs(30),
        }
    }
}

/// Settings that were checked; read them through `Deref`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DoorPolicy(DoorSettings);

impl DoorPolicy {
    /// Checks settings.
    ///
    /// # Errors
    /// Names the first setting that is out of the range which its documentation gives.
    pub fn new(settings: DoorSettings) -> Result<DoorPolicy, PolicyError> {
        let s = &settings;
        let pulses = Pulse::MIN.get()..=Pulse::MAX.get();
        require(pulses.contains(&s.max_pulse), "max_pulse", s.max_pulse, "100 ms to 30 s")?;
        require(pulses.contains(&s.exit_pulse), "exit_pulse", s.exit_pulse, "100 ms to 30 s")?;
        check(s.rest, 10, 10_000, "rest", "10 ms to 10 s")?;
        check(s.debounce, 0, 500, "debounce", "0 to 500 ms")?;
        check(s.heartbeat_timeout, 100, 1000, "heartbeat_timeout", "100 ms to 1 s")?;
        check(s.grace, 0, 5000, "grace", "0 to 5 s")?;
        check(s.held_after, 1000, 3_600_000, "held_after", "1 s to 1 hour")?;
        Ok(DoorPolicy(settings))
    }
}

impl Deref for DoorPolicy {
    type Target = DoorSettings;

    fn deref(&self) -> &DoorSettings {
        &self.0
    }
}

fn check(
    value: Duration,
    low: u64,
    high: u64,
    setting: &'static str,
    allowed: &'static str,
) -> Result<(), PolicyError> {
    let range = Duration::from_millis(low)..=Duration::from_millis(high);
    require(range.contains(&value), setting, value, allowed)
}
