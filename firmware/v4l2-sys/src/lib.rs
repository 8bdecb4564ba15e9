//! Bindings to Linux's `<linux/videodev2.h>` for the crate `v4l`, generated once and committed.
//!
//! The header is Copyright (C) 1999-2012 the contributors and licensed ((GPL-2.0+ WITH Linux-syscall-note) OR
//! BSD-3-Clause); see `generate/LICENCE-NOTE.md`. `generate/generate.sh` makes `bindings.rs` from it. One file
//! serves x86-64 and aarch64: their layouts are the same, which `tests/layout.rs` checks against sizes and
//! offsets that a C compiler printed for each.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
compile_error!("these bindings are for 64-bit little-endian Linux; generate/generate.sh makes others");

// Generated code: names and documentation are the kernel's. It holds no unsafe block.
#[allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals, clippy::all)]
mod bindings;

pub use bindings::*;
