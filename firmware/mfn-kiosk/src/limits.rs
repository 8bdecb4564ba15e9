//! What the process may and does use: core dumps, memory.

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::exit::{Exit, Failure, OrExit};

/// A core file would hold frames and templates.
///
/// # Errors
/// The system refuses.
pub fn no_core_dumps() -> Result<(), Failure> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(std::io::Error::from).or_exit(Exit::Failure)
}

/// Largest resident memory of this process so far, in KiB (VmHWM of /proc/self/status).
pub fn peak_memory_kib() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Resident memory of this process now, in KiB (VmRSS).
pub fn memory_kib() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Threads of this process now.
pub fn threads() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "Threads:")
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_memory_and_threads() {
        assert_eq!(field("Name:\tx\nVmHWM:\t   12 kB\n", "VmHWM:"), Some(12));
        assert!(peak_memory_kib().unwrap() >= memory_kib().unwrap() / 2);
        assert!(threads().unwrap() >= 1);
    }
}
