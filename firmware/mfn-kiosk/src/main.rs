//! The door program.
fn main() {}
