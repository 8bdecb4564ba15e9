//! Threads that wait for work and share it.
//!
//! A network's run takes milliseconds: threads made for each run would begin on the core that made them and move to an
//! idle one only after a while. So a crew's threads stay, and sleep between runs.

use std::mem;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// What every thread does once: it gets its number, from 0, and scratch memory of its own.
pub type Work<'a> = dyn Fn(usize, &mut Vec<f32>) + Sync + 'a;

/// The caller's thread and its helpers.
#[derive(Debug)]
pub struct Crew {
    helpers: Vec<Helper>,
    progress: Arc<Progress>,
    scratch: Vec<f32>,
}

#[derive(Debug)]
struct Helper {
    /// Gone when the crew is.
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// Work that outlives every thread's part in it; [`Crew::run`] sees to that.
type Order = &'static Work<'static>;

/// What helpers tell.
#[derive(Debug, Default)]
struct Progress {
    /// Helpers that are at work.
    busy: AtomicUsize,
    /// A helper panicked.
    broken: AtomicBool,
}

impl Crew {
    /// So many threads, the caller's among them; fewer where the system refuses more.
    #[must_use]
    pub fn new(threads: NonZero<usize>) -> Crew {
        let progress = Arc::new(Progress::default());
        let helpers = (1..threads.get()).map_while(|number| Helper::start(number, &progress)).collect();
        Crew { helpers, progress, scratch: Vec::new() }
    }

    /// Threads, the caller's among them.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Has every thread do the work, and waits for all.
    ///
    /// # Panics
    /// When the work does, on any thread.
    pub fn run(&mut self, work: &Work<'_>) {
        // SAFETY: only the lifetime changes. `Rest` ends this call, by return or by panic, only when no helper is busy,
        // and a helper touches an order only while it is.
        let order = unsafe { mem::transmute::<&Work<'_>, Order>(work) };
        let rest = Rest(&self.progress);
        for helper in &self.helpers {
            self.progress.busy.fetch_add(1, Ordering::Relaxed);
            let sent = helper.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
            assert!(sent, "a helper stays as long as its crew");
        }
        work(0, &mut self.scratch);
        drop(rest);
        assert!(!self.progress.broken.swap(false, Ordering::Relaxed), "another thread panicked");
    }
}

impl Clone for Crew {
    /// Another crew of as many threads.
    fn clone(&self) -> Crew {
        Crew::new(NonZero::new(self.threads()).unwrap_or(NonZero::<usize>::MIN))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.helpers.iter_mut().for_each(|helper| helper.orders = None);
        for helper in &mut self.helpers {
            // It caught what went wrong in it, and `run` told.
            let _ = helper.thread.take().map(JoinHandle::join);
        }
    }
}

impl Helper {
    fn start(number: usize, progress: &Arc<Progress>) -> Option<Helper> {
        let (orders, received) = sync_channel(1);
        let progress = Arc::clone(progress);
        let name = format!("mfn-helper-{number}");
        let thread = thread::Builder::new().name(name).spawn(move || help(number, &received, &progress));
        Some(Helper { orders: Some(orders), thread: Some(thread.ok()?) })
    }
}

fn help(number: usize, orders: &Receiver<Order>, progress: &Progress) {
    let mut scratch = Vec::new();
    while let Ok(work) = orders.recv() {
        if panic::catch_unwind(AssertUnwindSafe(|| work(number, &mut scratch))).is_err() {
            progress.broken.store(true, Ordering::Relaxed);
        }
        // The last touch: what was written is seen by whoever sees nobody busy.
        progress.busy.fetch_sub(1, Ordering::Release);
    }
}

/// Waits until no helper is busy.
struct Rest<'a>(&'a Progress);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        wait_until(|| self.0.busy.load(Ordering::Acquire) == 0);
    }
}

/// Looks before the core is offered to others, some milliseconds: a wait is shorter than an operating system needs
/// to wake a thread, and a thread that offers its core all the time is not moved to an idle one.
const LOOKS: usize = 100_000;

/// Waits in a loop until something holds.
pub(crate) fn wait_until(holds: impl Fn() -> bool) {
    let mut looks = 0_usize;
    while !holds() {
        looks += 1;
        if looks < LOOKS { std::hint::spin_loop() } else { thread::yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(threads: usize) -> Crew {
        Crew::new(NonZero::new(threads).unwrap())
    }

    #[test]
    fn every_thread_works_once_a_run() {
        for threads in 1..=4 {
            let mut crew = crew(threads);
            let done: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..100 {
                crew.run(&|number, _| {
                    done[number].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert_eq!(crew.threads(), threads);
            assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 100));
        }
    }

    #[test]
    fn scratch_memory_stays_from_run_to_run() {
        let mut crew = crew(2);
        crew.run(&|number, scratch| scratch.resize(number + 1, 7.0));
        crew.run(&|number, scratch| assert_eq!(scratch.len(), number + 1));
    }

    #[test]
    fn a_panic_ends_the_run_and_not_the_crew() {
        let mut crew = crew(2);
        for bad in 0..2 {
            let run = panic::catch_unwind(AssertUnwindSafe(|| {
                crew.run(&|number, _| assert_ne!(number, bad));
            }));
            assert!(run.is_err(), "thread {bad}");
            crew.run(&|_, _| ());
        }
    }
}
