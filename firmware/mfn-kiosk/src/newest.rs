//! The slot between capture and inference: the newest item wins, buffers are swapped, never copied.

use std::mem::swap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Holds one item. Together with the writer's and the reader's own item there are three in all, for ever.
pub struct Newest<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    item: T,
    fresh: bool,
    closed: bool,
    dropped: u64,
}

/// What [`Newest::take`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The reader holds an item that it has not seen.
    Item,
    /// Nothing new came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

impl<T> Newest<T> {
    /// An empty slot around the first of the three buffers.
    pub fn new(buffer: T) -> Newest<T> {
        let state = State { item: buffer, fresh: false, closed: false, dropped: 0 };
        Newest { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Puts the writer's item in and gives it another buffer. An item that nobody took is dropped and
    /// counted. Never waits.
    pub fn put(&self, item: &mut T) {
        let mut state = self.lock();
        if state.fresh {
            state.dropped += 1;
        }
        swap(&mut state.item, item);
        state.fresh = true;
        self.changed.notify_all();
    }

    /// Waits until the slot is free, so that the next [`Newest::put`] drops nothing; false once closed.
    pub fn wait_until_taken(&self) -> bool {
        let state = self.changed.wait_while(self.lock(), |s| s.fresh && !s.closed);
        !state.unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Swaps the newest item with the reader's; waits for one no longer than `patience`. What was put
    /// before [`Newest::close`] is still delivered.
    pub fn take(&self, item: &mut T, patience: Duration) -> Taken {
        let idle = |s: &mut State<T>| !s.fresh && !s.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.fresh {
            swap(&mut state.item, item);
            state.fresh = false;
            self.changed.notify_all();
            return Taken::Item;
        }
        if state.closed { Taken::Closed } else { Taken::Nothing }
    }

    /// Ends both sides' waiting; the writer, the reader or their owner may call it.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many items were dropped because a newer one came.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A thread that died while it held the lock left nothing half done: every change is one swap.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    const SOON: Duration = Duration::from_millis(5);

    #[test]
    fn the_newest_wins_and_the_others_are_counted() {
        let slot = Newest::new(vec![0]);
        let mut writer = vec![0];
        for n in 1..=3 {
            writer[0] = n;
            slot.put(&mut writer);
        }
        let mut reader = vec![0];
        assert_eq!(slot.take(&mut reader, SOON), Taken::Item);
        assert_eq!((reader[0], slot.dropped()), (3, 2));
        assert_eq!(slot.take(&mut reader, SOON), Taken::Nothing);
    }

    #[test]
    fn three_buffers_go_round_and_none_is_made() {
        let slot = Newest::new(Vec::with_capacity(10));
        let (mut writer, mut reader) = (Vec::with_capacity(10), Vec::with_capacity(10));
        let mut seen = std::collections::HashSet::new();
        for n in 0..9_u8 {
            writer.clear();
            writer.push(n);
            slot.put(&mut writer);
            assert_eq!(slot.take(&mut reader, SOON), Taken::Item);
            seen.insert(reader.as_ptr());
        }
        assert!(seen.len() <= 3);
    }

    #[test]
    fn what_was_put_before_the_close_still_arrives() {
        let slot = Newest::new(0);
        slot.put(&mut 7);
        slot.close();
        let mut reader = 0;
        assert_eq!(slot.take(&mut reader, SOON), Taken::Item);
        assert_eq!(reader, 7);
        assert_eq!(slot.take(&mut reader, SOON), Taken::Closed);
    }

    #[test]
    fn a_waiting_writer_loses_nothing() {
        let slot = Arc::new(Newest::new(0));
        let writer = Arc::clone(&slot);
        let thread = thread::spawn(move || {
            for mut n in 1..=100 {
                assert!(writer.wait_until_taken());
                writer.put(&mut n);
            }
            writer.close();
        });
        let (mut reader, mut seen) = (0, Vec::new());
        while slot.take(&mut reader, Duration::from_secs(5)) == Taken::Item {
            seen.push(reader);
        }
        thread.join().unwrap();
        assert_eq!(seen, (1..=100).collect::<Vec<_>>());
        assert_eq!(slot.dropped(), 0);
    }

    #[test]
    fn closing_frees_a_waiting_writer() {
        let slot = Newest::new(0);
        slot.put(&mut 1);
        slot.close();
        assert!(!slot.wait_until_taken());
    }
}
