//! What kiosk and door keeper say to each other: one short line of text a message.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use mfn_access::{DoorCommand, DoorEvent, Fault, Pulse};

/// From the kiosk to the keeper. The end of the pipe says that the kiosk is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToKeeper {
    /// The kiosk is alive.
    Beat,
    /// What the decision asks of the door.
    Door(DoorCommand),
    /// Close the line and end.
    Shutdown,
}

/// From the keeper to the kiosk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromKeeper {
    /// The answer to each beat.
    Alive,
    /// The line changed: true is energised.
    Line(bool),
    /// What happened at the door.
    Event(DoorEvent),
    /// Something failed; the words are for people.
    Trouble(String),
}

/// Names of events in the protocol, in `--json` and for people.
const EVENTS: [(DoorEvent, &str); 15] = [
    (DoorEvent::Granted, "granted"),
    (DoorEvent::ExitServed, "exit-served"),
    (DoorEvent::LineOff, "line-off"),
    (DoorEvent::CommandRefused, "command-refused"),
    (DoorEvent::KioskLost, "kiosk-lost"),
    (DoorEvent::KioskAlive, "kiosk-alive"),
    (DoorEvent::Forced, "forced"),
    (DoorEvent::Held, "held"),
    (DoorEvent::Secured, "secured"),
    (DoorEvent::Failed(Fault::Camera), "failed-camera"),
    (DoorEvent::Failed(Fault::Recogniser), "failed-recogniser"),
    (DoorEvent::Failed(Fault::Gallery), "failed-gallery"),
    (DoorEvent::Failed(Fault::Door), "failed-door"),
    (DoorEvent::Failed(Fault::Clock), "failed-clock"),
    (DoorEvent::ShutDown, "shut-down"),
];

/// The name of an event.
pub fn name_of(event: DoorEvent) -> &'static str {
    EVENTS.iter().find(|(known, _)| *known == event).map_or("event", |(_, name)| name)
}

impl fmt::Display for ToKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToKeeper::Beat => f.write_str("beat"),
            ToKeeper::Door(DoorCommand::Open { pulse }) => write!(f, "open {}", pulse.get().as_millis()),
            ToKeeper::Door(DoorCommand::Close) => f.write_str("close"),
            ToKeeper::Shutdown => f.write_str("shutdown"),
        }
    }
}

impl FromStr for ToKeeper {
    type Err = String;

    fn from_str(line: &str) -> Result<ToKeeper, String> {
        let open = |ms: &str| {
            let pulse = Pulse::new(Duration::from_millis(ms.parse().ok()?)).ok()?;
            Some(ToKeeper::Door(DoorCommand::Open { pulse }))
        };
        match line.split_once(' ') {
            Some(("open", ms)) => open(ms),
            None if line == "beat" => Some(ToKeeper::Beat),
            None if line == "close" => Some(ToKeeper::Door(DoorCommand::Close)),
            None if line == "shutdown" => Some(ToKeeper::Shutdown),
            _ => None,
        }
        .ok_or_else(|| format!("the kiosk sent {line:?}, which means nothing"))
    }
}

impl fmt::Display for FromKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FromKeeper::Alive => f.write_str("alive"),
            FromKeeper::Line(on) => write!(f, "line {}", if *on { "on" } else { "off" }),
            FromKeeper::Event(event) => write!(f, "event {}", name_of(*event)),
            FromKeeper::Trouble(words) => write!(f, "trouble {}", words.replace('\n', " ")),
        }
    }
}

impl FromStr for FromKeeper {
    type Err = String;

    fn from_str(line: &str) -> Result<FromKeeper, String> {
        match line.split_once(' ') {
            None if line == "alive" => Some(FromKeeper::Alive),
            Some(("line", "on")) => Some(FromKeeper::Line(true)),
            Some(("line", "off")) => Some(FromKeeper::Line(false)),
            Some(("trouble", words)) => Some(FromKeeper::Trouble(words.to_owned())),
            Some(("event", name)) => {
                let known = EVENTS.iter().find(|(_, known)| *known == name);
                known.map(|(event, _)| FromKeeper::Event(*event))
            }
            _ => None,
        }
        .ok_or_else(|| format!("the door keeper sent {line:?}, which means nothing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_pipe() {
        let pulse = Pulse::new(Duration::from_millis(2500)).unwrap();
        let commands = [DoorCommand::Open { pulse }, DoorCommand::Close].map(ToKeeper::Door);
        for message in commands.into_iter().chain([ToKeeper::Beat, ToKeeper::Shutdown]) {
            assert_eq!(message.to_string().parse(), Ok(message));
        }
        let events = EVENTS.iter().map(|(event, _)| FromKeeper::Event(*event));
        let others = [FromKeeper::Alive, FromKeeper::Line(true), FromKeeper::Line(false)];
        for message in events.chain(others).chain([FromKeeper::Trouble("no pin: 17".to_owned())]) {
            assert_eq!(message.to_string().parse(), Ok(message));
        }
    }

    #[test]
    fn what_is_no_message_opens_nothing() {
        for line in [
            "",
            "open",
            "open ",
            "open 0",
            "open 99999999",
            "open -1",
            "open 3000 3000",
            "OPEN 3000",
            "beat ",
        ] {
            assert!(line.parse::<ToKeeper>().is_err(), "{line:?}");
        }
        assert!("event opened".parse::<FromKeeper>().is_err());
    }
}
