//! What opening a gallery has found that its users should know.

use crate::keys::Lookup;
use mfn_template::PersonId;

/// Something that was dropped, left out or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// An operation that was never acknowledged.
    #[error(
        "journal places {first} to {last}: a change was cut off before it was acknowledged; it is dropped"
    )]
    TornTail {
        /// First place that holds anything.
        first: u32,
        /// Last place that holds anything.
        last: u32,
    },
    /// Removed after this copy of the gallery was made.
    #[error("person {person}: their key is destroyed, they were removed after this copy was made; left out")]
    Erased {
        /// Who.
        person: PersonId,
    },
    /// Lost or altered after it was acknowledged.
    #[error("journal place {place}: damaged, though what follows is sound; that change is lost")]
    BadSlot {
        /// Where.
        place: u32,
    },
    /// Moved within the journal.
    #[error("journal place {place}: holds the slot of place {from}; slots were swapped")]
    SwappedSlot {
        /// Where it is.
        place: u32,
        /// Where it belongs.
        from: u32,
    },
    /// A journal that was rolled back under a newer snapshot, or the reverse.
    #[error(
        "journal place {place}: belongs to another snapshot of this gallery; parts of two copies were mixed"
    )]
    SlotOfOtherSnapshot {
        /// Where.
        place: u32,
    },
    /// Brought in from elsewhere.
    #[error("journal place {place}: belongs to another gallery")]
    SlotOfOtherGallery {
        /// Where.
        place: u32,
    },
    /// The gallery's file is lost, the one before the last compaction is there.
    #[error(
        "the gallery's file {why}; answers come from gallery.mfn.old, the state of generation {generation}, without what was changed since"
    )]
    OldCopy {
        /// What is wrong with the file.
        why: String,
        /// Changes that the old file contains.
        generation: u64,
    },
    /// Some or all of a person's records.
    #[error("person {person}: records are damaged; what cannot be read is left out")]
    DamagedPerson {
        /// Who.
        person: PersonId,
    },
}

impl Finding {
    /// Whether something that was acknowledged is lost or altered: then the gallery refuses changes.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(self, Finding::TornTail { .. } | Finding::Erased { .. })
    }

    pub(crate) fn without_key(person: PersonId, key: Lookup<'_>) -> Finding {
        match key {
            Lookup::Destroyed => Finding::Erased { person },
            Lookup::Damaged | Lookup::Key(_) => Finding::DamagedPerson { person },
        }
    }
}
