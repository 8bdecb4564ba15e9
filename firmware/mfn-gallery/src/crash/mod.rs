//! placeholder
pub(crate) fn without_tags() -> bool { false }
