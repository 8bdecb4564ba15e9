//! The store's proof: a disk in memory that can lose power at any point, the specification beside
//! the real store, and the store run through every state that a cut can leave.
//! `cargo test --release -p mfn-gallery --lib -- --ignored` runs the large set.

mod attack;
mod damage;
mod faults;
mod forgery;
mod harness;
mod model;
mod raw_image;
mod sim;
mod states;

use std::cell::Cell;

thread_local! {
    static WITHOUT_TAGS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread plays a store that does not check tags.
pub(crate) fn without_tags() -> bool {
    WITHOUT_TAGS.get()
}
