//! What the other threads tell the deciding one.

use std::collections::BTreeMap;
use std::time::Duration;

use mfn_access::Sighting;
use mfn_template::PersonId;

use crate::exit::Failure;
use crate::keeper::KeeperNews;
use crate::pipeline::Stages;

/// Who is enrolled.
pub type People = BTreeMap<PersonId, Known>;

/// What the decision and its record need of a person.
pub struct Known {
    /// The name, printed only when asked for.
    pub name: String,
    /// For schedules.
    pub group: Option<String>,
}

/// One thing that happened.
pub enum News {
    /// Networks and gallery are loaded.
    Ready {
        /// The recogniser's name.
        recogniser: String,
        /// Who is enrolled.
        people: People,
    },
    /// A frame was processed.
    Frame {
        /// Who is on it.
        sighting: Sighting,
        /// How long each stage took.
        times: Stages<Duration>,
    },
    /// A frame could not be processed: the frame's fault.
    FrameTrouble(String),
    /// A frame could not be processed: a network's fault.
    EngineTrouble(String),
    /// The camera is open (again); its description.
    CameraOpen(String),
    /// The camera gives no frames; it is asked again.
    CameraTrouble(String),
    /// The gallery was changed by another process.
    People(People),
    /// The changed gallery cannot be used; the old one still is.
    GalleryTrouble(String),
    /// An administrator's command came through the socket, or was done by itself.
    Admin(String),
    /// The door keeper said something, or is gone.
    Keeper(KeeperNews),
    /// A thread cannot go on.
    Failed(Failure),
    /// The source has ended and its last frame is processed.
    Finished,
}
