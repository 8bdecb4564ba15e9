//! What the kiosk answers.

use mfn_gallery::{Group, Person};
use serde::{Deserialize, Serialize};

use crate::{MAX_REPLY, WireError, frame};

/// One answer; after [`Reply::Progress`] and [`Reply::Person`] another one comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What happens, for the person who waits.
    Progress(String),
    /// One of the people who are known.
    Person(Entry),
    /// All people were told.
    End,
    /// How the kiosk is.
    Status(Status),
    /// Somebody is known now, or by more references than before.
    Enrolled {
        /// Number of the person.
        id: u64,
        /// The references that were taken.
        pictures: Vec<Picture>,
        /// Objections that `force` has overridden.
        warnings: Vec<String>,
    },
    /// Somebody was renamed, removed or changed.
    Changed {
        /// Number of the person.
        id: u64,
        /// The name before the change.
        name: String,
        /// How many people are known now.
        people: usize,
    },
    /// Nothing was changed.
    Refused {
        /// The exit code that the command is to end with.
        exit: u8,
        /// What failed and what to do.
        message: String,
    },
}

/// A reference that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Where it came from.
    pub from: String,
    /// Its quality, 0 to 1.
    pub quality: f32,
}

/// How a running kiosk is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its release.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// Its recogniser; empty while the networks are loaded.
    pub recogniser: String,
    /// How many people are known.
    pub people: usize,
    /// Least similarity of a vote now.
    pub threshold: f32,
    /// Frames that the camera gave.
    pub frames_seen: u64,
    /// Frames that a newer one replaced.
    pub frames_dropped: u64,
}

/// A person as lists show them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Not enabled: never let in.
    pub enabled: bool,
    /// Group.
    pub group: Option<String>,
    /// Not let in before; seconds since 1970, as all times.
    pub valid_from_unix: Option<u64>,
    /// Not let in from then on.
    pub valid_until_unix: Option<u64>,
    /// Removed from then on.
    pub erase_after_unix: Option<u64>,
    /// Free text.
    pub note: String,
    /// Quality and time of each template.
    pub templates: Vec<EntryTemplate>,
}

/// A template as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryTemplate {
    /// 0 to 1.
    pub quality: f32,
    /// When it was taken.
    pub taken_unix: u64,
}

impl From<&Person> for Entry {
    fn from(person: &Person) -> Entry {
        let metadata = &person.metadata;
        let template = |note: &mfn_gallery::TemplateNote| EntryTemplate {
            quality: note.quality,
            taken_unix: note.taken_unix,
        };
        Entry {
            id: person.id.0,
            name: person.name.to_string(),
            enabled: metadata.enabled,
            group: metadata.group.as_ref().map(Group::as_str).map(str::to_owned),
            valid_from_unix: metadata.valid_from,
            valid_until_unix: metadata.valid_until,
            erase_after_unix: metadata.erase_after,
            note: metadata.note.as_str().to_owned(),
            templates: person.templates.iter().map(template).collect(),
        }
    }
}

impl Reply {
    /// Reads the JSON of a reply.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> Result<Reply, WireError> {
        serde_json::from_slice(json).map_err(|e| WireError::Content(e.to_string()))
    }

    /// The frame to send.
    ///
    /// # Errors
    /// When it is too long.
    pub fn frame(&self) -> Result<Vec<u8>, WireError> {
        frame(self, MAX_REPLY)
    }

    /// Whether no other reply follows.
    #[must_use]
    pub fn is_last(&self) -> bool {
        !matches!(self, Reply::Progress(_) | Reply::Person(_))
    }
}
