//! Making a person known: `gathering` finds faces that are good enough, in photographs or in front of a
//! camera; `checks` says what speaks against an enrolment.

pub mod checks;
mod gathering;

pub use gathering::{Gathering, PATIENCE, from_camera, from_photos};
