//! How long the program waited for a CPU: time that a busy host took from it.

use std::path::Path;

/// Returns the longest time that any thread in the bay was ready to run and did not, in microseconds.
///
/// Not the sum: threads that wait at the same time make the program no later than one of them.
pub(super) fn longest_us() -> u64 {
    let processes = numbered_entries(Path::new("/proc")).filter(|process| !process.ends_with("1"));
    let threads = processes.flat_map(|process| numbered_entries(&process.join("task")));
    let waits = threads.filter_map(|thread| wait_ns(&std::fs::read_to_string(thread.join("schedstat")).ok()?));
    waits.max().unwrap_or(0) / 1_000
}

/// Parses a thread's schedstat: time on a CPU, time waiting for one, and time slices (Documentation/scheduler/sched-stats.rst).
fn wait_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

/// Returns the entries of a directory of /proc that are processes or threads; what has just ended is left out.
fn numbered_entries(directory: &Path) -> impl Iterator<Item = std::path::PathBuf> + use<> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_the_wait() {
        assert_eq!(wait_ns("551841 42 2\n"), Some(42));
        assert_eq!(wait_ns(""), None);
    }

    #[test]
    fn threads_of_this_process_have_waited() {
        let own = format!("/proc/{}/task", std::process::id());
        assert!(numbered_entries(Path::new(&own)).count() >= 1);
    }
}
