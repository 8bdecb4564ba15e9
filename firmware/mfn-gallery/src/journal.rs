//! Reading a journal: whole operations, the torn tail, and damage, told apart. No disk here.

use crate::Finding;
use crate::edit::Edit;
use crate::slot::Slot;

/// What a run of slots says.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Whole operations, in their order.
    pub(crate) operations: Vec<Vec<Edit>>,
    /// The place after the last whole operation.
    pub(crate) end: u32,
    /// Places from `end` on that hold anything.
    pub(crate) tail: Vec<u32>,
    /// What is wrong with the slots before `end`, or with the tail.
    pub(crate) findings: Vec<Finding>,
}

/// Reads the slots of a journal from place `start` on.
pub(crate) fn replay(mut slots: Vec<Slot>, start: u32) -> Replay {
    let mut replay = Replay { end: start, ..Replay::default() };
    let mut holes = Vec::new();
    let mut at = 0;
    while at < slots.len() {
        match whole(&slots[at..], start + at as u32) {
            Some(len) => {
                replay.findings.append(&mut holes);
                let taken = slots[at..at + len].iter_mut().map(|slot| std::mem::replace(slot, Slot::Empty));
                let edits = taken.filter_map(|slot| match slot {
                    Slot::Edit { edit, .. } => Some(edit),
                    _ => None,
                });
                replay.operations.push(edits.collect());
                at += len;
                replay.end = start + at as u32;
            }
            None => {
                holes.push(hole(&slots[at], start + at as u32));
                at += 1;
            }
        }
    }
    let tail = (replay.end - start) as usize;
    replay.judge_tail(&slots[tail..]);
    replay
}

impl Replay {
    /// The tail is torn when one operation that was never completed explains all of it.
    fn judge_tail(&mut self, slots: &[Slot]) {
        let places = || slots.iter().zip(self.end..);
        self.tail = places().filter(|(slot, _)| **slot != Slot::Empty).map(|(_, place)| place).collect();
        if places().all(|(slot, place)| unfinished(slot, place, self.end)) {
            if let (Some(first), Some(last)) = (self.tail.first(), self.tail.last()) {
                self.findings.push(Finding::TornTail { first: *first, last: *last });
            }
        } else {
            let wrong = places().filter(|(slot, place)| !unfinished(slot, *place, self.end));
            let mut wrong: Vec<Finding> = wrong.map(|(slot, place)| hole(slot, place)).collect();
            self.findings.append(&mut wrong);
        }
    }
}

/// The number of slots of the whole operation that begins here.
fn whole(slots: &[Slot], place: u32) -> Option<usize> {
    let Slot::Edit { first, last, .. } = slots[0] else { return None };
    let len = usize::try_from(last - first).ok()? + 1;
    let same =
        |slot: &Slot| matches!(slot, Slot::Edit { first: f, last: l, .. } if (*f, *l) == (first, last));
    (first == place && slots.len() >= len && slots[..len].iter().all(same)).then_some(len)
}

/// Whether a slot may be left by an operation that began at `end` and was cut off.
fn unfinished(slot: &Slot, place: u32, end: u32) -> bool {
    match slot {
        Slot::Empty | Slot::Bad => true,
        Slot::Edit { first, last, .. } => *first == end && *last != place,
        Slot::Misplaced(_) | Slot::OtherSnapshot | Slot::OtherGallery => false,
    }
}

fn hole(slot: &Slot, place: u32) -> Finding {
    match slot {
        Slot::Misplaced(from) => Finding::SwappedSlot { place, from: *from },
        Slot::OtherSnapshot => Finding::SlotOfOtherSnapshot { place },
        Slot::OtherGallery => Finding::SlotOfOtherGallery { place },
        Slot::Empty | Slot::Edit { .. } | Slot::Bad => Finding::BadSlot { place },
    }
}
