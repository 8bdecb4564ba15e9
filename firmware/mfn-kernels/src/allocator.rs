//! How the system's allocator treats large blocks. It is here because it takes a foreign call, and only this
//! crate has unsafe code.

/// From this size on, in bytes, a block is mapped on its own: it leaves the process when it is freed. Smaller
/// blocks of a network's load are few and are soon used again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: i32 = 256 << 10;

/// `M_MMAP_THRESHOLD` of glibc's `malloc.h`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const M_MMAP_THRESHOLD: i32 = -3;

/// Free memory that the process keeps, in bytes: what the outputs of a run need, so that it is not fetched anew for
/// each. Without it 128 KB are kept, less than a detector's outputs.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 1 << 20;

/// `M_TRIM_THRESHOLD` of glibc's `malloc.h`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const M_TRIM_THRESHOLD: i32 = -1;

/// From now on large blocks leave the process when they are freed. glibc begins so, but with every such block it
/// raises the size up to 32 MiB, and what a program needed while it loaded stays with it for good. To be called
/// once, before there are threads; does nothing with other C libraries.
pub fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // SAFETY: the declaration is that of glibc's malloc.h; a call sets one word under the allocator's own
        // lock and hands over no memory. When it is refused everything works as before.
        let _ = unsafe { (mallopt(M_MMAP_THRESHOLD, LARGE), mallopt(M_TRIM_THRESHOLD, KEPT)) };
    }
}
