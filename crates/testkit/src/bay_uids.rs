//! User numbers for bays.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// The first of all for tests, above those that a service or a command on the same machine uses by default.
const FIRST: u32 = 2_000_000_000;

/// Processes by their numbers; on hosts with larger ones, two that share a remainder hardly run at the same time.
const PROCESSES: u32 = 32_768;

/// So many are for each process.
const OF_A_PROCESS: u32 = 60_000;

// The service takes no higher ones.
const _: () = assert!(FIRST + PROCESSES * OF_A_PROCESS < 4_000_000_000);

/// Returns the first of `count` user numbers that no other test has, in this process or another one.
///
/// # Panics
///
/// When this process has used up all of its own.
pub fn bay_uids(count: u32) -> u32 {
    static USED: AtomicU32 = AtomicU32::new(0);
    let used = USED.fetch_add(count, Ordering::Relaxed);
    assert!(used + count <= OF_A_PROCESS, "a process has {OF_A_PROCESS} user numbers for bays");
    FIRST + std::process::id() % PROCESSES * OF_A_PROCESS + used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_two_tests_do_not_overlap() {
        let first = bay_uids(10);
        let second = bay_uids(10);
        assert!(first.abs_diff(second) >= 10);
    }
}
