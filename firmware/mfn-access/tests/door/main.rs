//! Tests of the door machine: examples by name, and properties over arbitrary sequences of inputs.

mod examples;
mod properties;
mod world;
