//! Tests of the access decision: examples by name, and properties over arbitrary event sequences
//! against a specification of their own.

mod evidence;
mod examples;
mod properties;
mod rules;
mod scene;
mod spec;
