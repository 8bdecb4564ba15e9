//! What the tests of all kernels share: each property once for every instruction set.

use mfn_kernels::{Kernels, Level};

/// Runs a property with the kernels of a level, or says that this CPU lacks it.
pub fn with(level: Level, property: fn(Kernels)) {
    match Kernels::at(level) {
        Some(kernels) => property(kernels),
        None => println!("skipped: this CPU lacks {level}"),
    }
}

/// A module for each instruction set, with a test for each property.
macro_rules! variants {
    ($tests:tt $($name:ident: $level:expr;)*) => {
        $(variants!(@module $name, $level, $tests);)*
    };
    (@module $name:ident, $level:expr, { $($test:ident: $property:expr;)* }) => {
        mod $name {
            use super::*;
            $(#[test]
            fn $test() {
                common::with($level, $property);
            })*
        }
    };
}
