//! What a command asks of the kiosk.

use mfn_gallery::{Metadata, PersonName};
use mfn_template::{PersonId, Template, TemplateSpace};
use serde::{Deserialize, Serialize};

use crate::{Change, MAX_REQUEST, WireError, frame, text};

/// Most references of one enrolment.
pub const MAX_REFERENCES: usize = 32;

/// One request. Every part is checked: names, notes, templates, lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the kiosk is.
    Status,
    /// Who is known.
    List,
    /// Makes a person known by references that the client has made.
    Enrol {
        /// Who.
        who: Who,
        /// The networks that made them.
        #[serde(with = "text::space")]
        space: TemplateSpace,
        /// 1 to [`MAX_REFERENCES`] of them, all of one dimension.
        references: Vec<Reference>,
    },
    /// Makes a person known who stands in front of the kiosk's camera.
    EnrolHere {
        /// Who.
        who: Who,
        /// How many good frames, 1 to [`MAX_REFERENCES`].
        frames: usize,
    },
    /// Gives a person another name.
    Rename {
        /// Who.
        whom: Whom,
        /// The new name.
        #[serde(with = "text::name")]
        name: PersonName,
    },
    /// Forgets a person.
    Remove {
        /// Who.
        whom: Whom,
    },
    /// Enables or disables a person, sets group, dates and note.
    Edit {
        /// Who.
        whom: Whom,
        /// In this order.
        changes: Vec<Change>,
    },
}

/// A person who is to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The name.
    #[serde(with = "text::name")]
    pub name: PersonName,
    /// Adds to the person of that name, who must be known; without it that name must be free.
    pub add: bool,
    /// In spite of a look-alike, and of references that do not agree.
    pub force: bool,
    /// Group, dates and note.
    pub changes: Vec<Change>,
}

impl Who {
    /// The metadata of a new person.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::default();
        self.changes.iter().for_each(|change| change.apply(&mut metadata));
        metadata
    }
}

/// A person who is known: by name, or by number as `#3`. Any text at all; nobody may be meant by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Whom(#[serde(deserialize_with = "text::origin::deserialize")] pub String);

impl Whom {
    /// The number, where the text is one.
    #[must_use]
    pub fn number(&self) -> Option<PersonId> {
        self.0.strip_prefix('#')?.parse().ok().map(PersonId)
    }
}

/// A template and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// A file's name or a frame's number, for messages.
    #[serde(deserialize_with = "text::origin::deserialize")]
    pub from: String,
    /// The template.
    #[serde(with = "text::template")]
    pub template: Template,
    /// Quality of the face, 0 to 1.
    #[serde(deserialize_with = "text::quality::deserialize")]
    pub quality: f32,
}

impl Request {
    /// Reads the JSON of a request.
    ///
    /// # Errors
    /// When it is no request, or a part of it cannot be; the message says which.
    pub fn parse(json: &[u8]) -> Result<Request, WireError> {
        let request: Request = serde_json::from_slice(json).map_err(|e| WireError::Content(e.to_string()))?;
        request.check().map_err(|what| WireError::Content(what.to_owned()))?;
        Ok(request)
    }

    /// The frame to send.
    ///
    /// # Errors
    /// When it is too long.
    pub fn frame(&self) -> Result<Vec<u8>, WireError> {
        frame(self, MAX_REQUEST)
    }

    /// What no part can see alone.
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Request::Enrol { references, .. } => {
                let Some(first) = references.first() else { return Err("an enrolment needs a template") };
                let dimension = first.template.values().len();
                if references.len() > MAX_REFERENCES {
                    return Err("too many templates in one enrolment");
                }
                let equal = references.iter().all(|r| r.template.values().len() == dimension);
                if equal { Ok(()) } else { Err("templates of different lengths") }
            }
            Request::EnrolHere { frames, .. } if !(1..=MAX_REFERENCES).contains(frames) => {
                Err("an enrolment takes 1 to 32 frames")
            }
            _ => Ok(()),
        }
    }
}
