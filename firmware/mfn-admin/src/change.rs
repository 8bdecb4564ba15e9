//! Changes of what is kept about a person beside name and templates.

use mfn_gallery::{Group, Metadata, Note};
use serde::{Deserialize, Serialize};

use crate::text;

/// One change. Times are whole seconds since 1970; none is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Not enabled: kept, and never let in.
    Enabled(bool),
    /// For schedules; none: no group.
    Group(#[serde(with = "text::group")] Option<Group>),
    /// Not let in before.
    ValidFrom(Option<u64>),
    /// Not let in from then on.
    ValidUntil(Option<u64>),
    /// Removed from then on.
    EraseAfter(Option<u64>),
    /// Free text.
    Note(#[serde(with = "text::note")] Note),
}

impl Change {
    /// Makes the change.
    pub fn apply(&self, metadata: &mut Metadata) {
        match self {
            Change::Enabled(enabled) => metadata.enabled = *enabled,
            Change::Group(group) => metadata.group.clone_from(group),
            Change::ValidFrom(time) => metadata.valid_from = *time,
            Change::ValidUntil(time) => metadata.valid_until = *time,
            Change::EraseAfter(time) => metadata.erase_after = *time,
            Change::Note(note) => metadata.note = note.clone(),
        }
    }
}
