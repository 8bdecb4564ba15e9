//! Rounds of steps over one piece of memory, each step on any of several threads.
//!
//! A step reads and writes ranges that were checked once to lie apart, so that steps of one round may run at the same
//! time.

use std::ops::Range;
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::crew::{Crew, wait_until};

/// What a step reads and writes, as ranges of the memory; empty ones are nothing.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Read.
    pub reads: [Range<usize>; 2],
    /// Written.
    pub writes: [Range<usize>; 2],
}

/// A step's parts of the memory, in the order of its [`Access`].
#[derive(Debug)]
pub struct Parts<'a> {
    /// To read.
    pub reads: [&'a [f32]; 2],
    /// To write.
    pub writes: [&'a mut [f32]; 2],
}

/// Rounds that were checked.
#[derive(Debug)]
pub struct Rounds {
    rounds: Vec<Vec<Access>>,
    memory: usize,
}

impl Rounds {
    /// Rounds over a memory of so many values; none when a step would write what another step of its round, or
    /// itself, reads or writes, or would reach beyond the memory.
    #[must_use]
    pub fn new(rounds: Vec<Vec<Access>>, memory: usize) -> Option<Rounds> {
        rounds.iter().all(|round| lie_apart(round, memory)).then_some(Rounds { rounds, memory })
    }

    /// Values of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Has every step of every round done, round after round, by the threads of a crew. `step` gets the numbers of
    /// round and step, and scratch memory.
    ///
    /// # Panics
    /// When the memory is too small, or a step panics.
    pub fn run(
        &self,
        crew: &mut Crew,
        memory: &mut [f32],
        step: impl Fn([usize; 2], Parts<'_>, &mut Vec<f32>) + Sync,
    ) {
        assert!(memory.len() >= self.memory, "memory for every step");
        let (memory, threads) = (Memory(memory.as_mut_ptr()), crew.threads());
        let meeting = Meeting { threads, arrived: AtomicUsize::new(0), broken: AtomicBool::new(false) };
        crew.run(&|thread, scratch| {
            let _leaving = Leaving(&meeting);
            for (number, round) in self.rounds.iter().enumerate() {
                for (index, access) in round.iter().enumerate().skip(thread).step_by(threads) {
                    // SAFETY: `new` checked that the ranges lie inside of the memory, and that no step of a round
                    // writes what another one uses; a round begins when all threads have ended the one before; and
                    // the memory is borrowed for writing by this function.
                    let parts = unsafe { memory.parts(access) };
                    step([number, index], parts, scratch);
                }
                meeting.wait(number + 1);
            }
        });
    }
}

/// Whether nothing that a round's steps write is read by one of them or written by another.
fn lie_apart(round: &[Access], memory: usize) -> bool {
    let read: Vec<&Range<usize>> = round.iter().flat_map(|access| &access.reads).collect();
    let written: Vec<&Range<usize>> = round.iter().flat_map(|access| &access.writes).collect();
    let apart = |a: &Range<usize>, b: &Range<usize>| {
        a.is_empty() || b.is_empty() || a.end <= b.start || b.end <= a.start
    };
    let inside = |range: &&&Range<usize>| range.start <= range.end && range.end <= memory;
    let alone = |(at, range): (usize, &&Range<usize>)| {
        read.iter().chain(&written[..at]).all(|other| apart(range, other))
    };
    read.iter().chain(&written).filter(inside).count() == read.len() + written.len()
        && written.iter().enumerate().all(alone)
}

/// The memory of a run, of which each step takes its parts.
struct Memory(*mut f32);

// SAFETY: only an address; whoever makes slices of it says why they lie apart.
unsafe impl Sync for Memory {}

impl Memory {
    /// # Safety
    /// The ranges lie inside of the memory; during `'a` nobody writes what is read, or uses what is written.
    unsafe fn parts<'a>(&self, access: &Access) -> Parts<'a> {
        // SAFETY: the caller's promise.
        let read = |r: &Range<usize>| unsafe { slice::from_raw_parts(self.0.add(r.start), r.len()) };
        // SAFETY: the caller's promise.
        let write = |r: &Range<usize>| unsafe { slice::from_raw_parts_mut(self.0.add(r.start), r.len()) };
        Parts { reads: access.reads.each_ref().map(read), writes: access.writes.each_ref().map(write) }
    }
}

/// Where threads wait for each other.
struct Meeting {
    threads: usize,
    /// Arrivals of all threads in all rounds.
    arrived: AtomicUsize,
    /// A thread will not come any more.
    broken: AtomicBool,
}

impl Meeting {
    /// Waits until every thread has come so many times.
    fn wait(&self, times: usize) {
        // What each thread wrote before is seen by all that have waited.
        self.arrived.fetch_add(1, Ordering::AcqRel);
        wait_until(|| {
            assert!(!self.broken.load(Ordering::Relaxed), "another thread panicked");
            self.arrived.load(Ordering::Acquire) >= times * self.threads
        });
    }
}

/// Lets the others know of a panic; they would wait for ever.
struct Leaving<'a>(&'a Meeting);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZero;
    use std::panic::{self, AssertUnwindSafe};

    fn range() -> impl Strategy<Value = Range<usize>> {
        (0usize..40, 0usize..6).prop_map(|(start, length)| start..start + length)
    }

    fn access() -> impl Strategy<Value = Access> {
        (range(), range(), range(), range()).prop_map(|(a, b, c, d)| Access { reads: [a, b], writes: [c, d] })
    }

    proptest! {
        #[test]
        fn only_steps_that_lie_apart_are_taken(round in prop::collection::vec(access(), 1..4)) {
            let mut users = vec![[0, 0]; 50];
            for access in &round {
                access.writes.iter().flat_map(Clone::clone).for_each(|at| users[at][0] += 1);
                access.reads.iter().flat_map(Clone::clone).for_each(|at| users[at][1] += 1);
            }
            let expected = users.iter().all(|[written, read]| *written == 0 || (*written == 1 && *read == 0))
                && users[45..].iter().all(|user| *user == [0, 0]);
            prop_assert_eq!(Rounds::new(vec![round], 45).is_some(), expected);
        }
    }

    /// Each step adds up what the last round left, and writes the sum into its own place.
    #[test]
    fn every_step_is_done_once_and_after_the_rounds_before() {
        let round = |number: usize| {
            let (from, to) = (number % 2 * 8, (number + 1) % 2 * 8);
            let step =
                |own: usize| Access { reads: [from..from + 8, 0..0], writes: [to + own..to + own + 1, 0..0] };
            (0..8).map(step).collect()
        };
        let rounds = Rounds::new((0..20).map(round).collect(), 16).unwrap();
        let run = |threads: usize| {
            let mut memory: Vec<f32> = (0..16u8).map(f32::from).collect();
            let mut crew = Crew::new(NonZero::new(threads).unwrap());
            rounds.run(&mut crew, &mut memory, |[_, index], parts, _| {
                let [write, _] = parts.writes;
                write[0] = parts.reads[0].iter().sum::<f32>() / 8.0 + index as f32;
            });
            memory
        };
        let alone = run(1);
        assert!((2..=4).all(|threads| run(threads) == alone));
    }

    #[test]
    fn a_step_that_panics_does_not_leave_the_others_waiting() {
        for bad in 0..2 {
            let rounds = Rounds::new(vec![vec![Access::default(); 2]; 2], 0).unwrap();
            let run = || {
                let mut crew = Crew::new(NonZero::new(2).unwrap());
                rounds.run(&mut crew, &mut [], |[_, index], _, _| assert_ne!(index, bad));
            };
            assert!(panic::catch_unwind(AssertUnwindSafe(run)).is_err());
        }
    }
}
