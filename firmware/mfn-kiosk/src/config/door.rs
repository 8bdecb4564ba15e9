//! The `[door]` settings, checked: pins, levels and times.

use std::time::Duration;

use mfn_access::{DoorPolicy, DoorSettings};
use mfn_board::{ActiveLevel, PinSource};

use super::settings::Door;

/// An input of the door and its active level.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Where its pin is.
    pub pin: PinSource,
    /// Level of the pressed button or of the open door.
    pub active: ActiveLevel,
}

/// Everything that the door keeper needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct DoorSetup {
    /// The relay's pin.
    pub line: PinSource,
    /// Level that energises the relay.
    pub line_active: ActiveLevel,
    /// The request-to-exit button.
    pub rex: Option<Input>,
    /// The door contact.
    pub contact: Option<Input>,
    /// Times of pulses and alarms.
    pub policy: DoorPolicy,
}

impl DoorSetup {
    /// Checks the settings.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn check(door: &Door) -> Result<DoorSetup, (&'static str, String)> {
        let level = |key, text: &str| text.parse::<ActiveLevel>().map_err(|e| (key, e));
        let pin = |key, text: &str| text.parse::<PinSource>().map_err(|e| (key, e.to_string()));
        let input = |key, text: &str, active| match text {
            "none" => Ok(None),
            _ => Ok(Some(Input { pin: pin(key, text)?, active })),
        };
        Ok(DoorSetup {
            line: pin("door.line", &door.line)?,
            line_active: level("door.line_active", &door.line_active)?,
            rex: input("door.rex", &door.rex, level("door.rex_active", &door.rex_active)?)?,
            contact: input(
                "door.contact",
                &door.contact,
                level("door.contact_active", &door.contact_active)?,
            )?,
            policy: policy(door)?,
        })
    }
}

/// The ranges of the settings lie within the policy's; only a pulse longer than the longest is left to check.
fn policy(door: &Door) -> Result<DoorPolicy, (&'static str, String)> {
    if door.pulse_s > door.max_pulse_s {
        return Err((
            "door.pulse_s",
            format!("{} is more than max_pulse_s = {}", door.pulse_s, door.max_pulse_s),
        ));
    }
    let seconds = Duration::from_secs_f64;
    let settings = DoorSettings {
        max_pulse: seconds(door.max_pulse_s),
        exit_pulse: seconds(door.exit_pulse_s),
        rest: seconds(door.rest_s),
        debounce: seconds(door.debounce_s),
        grace: seconds(door.grace_s),
        held_after: seconds(door.held_s),
        ..DoorSettings::default()
    };
    DoorPolicy::new(settings).map_err(|e| ("door", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_a_simulated_door_without_button() {
        let door = DoorSetup::check(&Door::default()).unwrap();
        assert_eq!(door.line, PinSource::Simulated { file: None });
        assert_eq!((door.rex, door.contact), (None, None));
    }

    #[test]
    fn a_wrong_pin_or_level_is_named() {
        let wrong = |change: fn(&mut Door)| {
            let mut door = Door::default();
            change(&mut door);
            DoorSetup::check(&door).unwrap_err().0
        };
        assert_eq!(wrong(|d| d.line = "gpio:17".to_owned()), "door.line");
        assert_eq!(wrong(|d| d.line_active = "up".to_owned()), "door.line_active");
        assert_eq!(wrong(|d| d.pulse_s = 20.0), "door.pulse_s");
        assert_eq!(wrong(|d| d.rex = String::new()), "door.rex");
        assert_eq!(wrong(|d| d.contact_active = "HIGH".to_owned()), "door.contact_active");
    }
}
