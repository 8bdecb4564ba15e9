//! Templates and the few words that engine, gallery and access share. No I/O, no images.

mod candidate;
mod template;

pub use candidate::{Candidate, Candidates, PersonId};
pub use template::{Template, TemplateError, TemplateSpace};
