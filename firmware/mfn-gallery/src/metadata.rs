//! What is known of a person beside name and templates, each part checked once.

use crate::bytes::{Fields, put_text};
use crate::{NameError, PersonName};
use std::time::{SystemTime, UNIX_EPOCH};

/// A group of people; the rules of [`PersonName`], at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group(PersonName);

impl Group {
    /// Longest name of a group in bytes of UTF-8.
    pub const MAX_BYTES: usize = 64;

    /// Checks and takes a group's name.
    ///
    /// # Errors
    /// When it breaks a rule; the message says which.
    pub fn new(text: &str) -> Result<Group, NameError> {
        match PersonName::new(text)? {
            name if name.as_str().len() > Group::MAX_BYTES => {
                Err(NameError::TooLong { bytes: text.len(), max: Group::MAX_BYTES })
            }
            name => Ok(Group(name)),
        }
    }

    /// The group's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Free text, at most 512 bytes of UTF-8 without control characters but line feed and tab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note(Box<str>);

impl Note {
    /// Longest note in bytes of UTF-8.
    pub const MAX_BYTES: usize = 512;

    /// Checks and takes a note; it may be empty.
    ///
    /// # Errors
    /// When it is too long or has a control character.
    pub fn new(text: &str) -> Result<Note, NameError> {
        if text.len() > Note::MAX_BYTES {
            return Err(NameError::TooLong { bytes: text.len(), max: Note::MAX_BYTES });
        }
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        match text.chars().enumerate().find(|&(_, c)| control(c)) {
            Some((i, c)) => Err(NameError::Control { code: u32::from(c), position: i + 1 }),
            None => Ok(Note(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Group, validity, erasure date and note of a person. Times are whole seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Not enabled: kept, and not to be let in.
    pub enabled: bool,
    /// For schedules and rules.
    pub group: Option<Group>,
    /// Not to be let in before.
    pub valid_from: Option<u64>,
    /// Not to be let in from then on.
    pub valid_until: Option<u64>,
    /// To be removed from then on ([`crate::Gallery::remove_expired`]).
    pub erase_after: Option<u64>,
    /// Free text.
    pub note: Note,
}

impl Default for Metadata {
    /// Enabled, without limits.
    fn default() -> Metadata {
        Metadata {
            enabled: true,
            group: None,
            valid_from: None,
            valid_until: None,
            erase_after: None,
            note: Note::default(),
        }
    }
}

impl Metadata {
    /// Enabled, within validity and before erasure at this time.
    #[must_use]
    pub fn valid_at(&self, time: SystemTime) -> bool {
        let now = unix(time);
        self.enabled
            && self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
            && !self.expired_at(time)
    }

    /// Past the erasure date.
    #[must_use]
    pub fn expired_at(&self, time: SystemTime) -> bool {
        self.erase_after.is_some_and(|date| date <= unix(time))
    }

    /// Bytes that [`Metadata::encode`] adds.
    pub(crate) fn encoded_len(&self, name: &PersonName) -> usize {
        let group = self.group.as_ref().map_or("", Group::as_str);
        1 + 3 * 8 + 3 * 2 + name.as_str().len() + group.len() + self.note.as_str().len()
    }

    /// As FORMAT.md's details say, with the name that belongs to them.
    pub(crate) fn encode(&self, name: &PersonName, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.enabled));
        for time in [self.valid_from, self.valid_until, self.erase_after] {
            bytes.extend(time.unwrap_or(u64::MAX).to_le_bytes());
        }
        put_text(bytes, name.as_str());
        put_text(bytes, self.group.as_ref().map_or("", Group::as_str));
        put_text(bytes, self.note.as_str());
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Option<(PersonName, Metadata)> {
        let flags = fields.u8().filter(|&flags| flags <= 1)?;
        let mut time = || fields.u64().map(|t| (t != u64::MAX).then_some(t));
        let (valid_from, valid_until, erase_after) = (time()?, time()?, time()?);
        let name = PersonName::new(fields.text()?).ok()?;
        let group = match fields.text()? {
            "" => None,
            text => Some(Group::new(text).ok()?),
        };
        let note = Note::new(fields.text()?).ok()?;
        Some((name, Metadata { enabled: flags == 1, group, valid_from, valid_until, erase_after, note }))
    }
}

/// Whole seconds since 1970; a clock before 1970 (a board without a battery) counts as 1970.
pub(crate) fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
