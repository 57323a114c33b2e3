//! How long a program waited for a CPU: time that a busy host took from it.
//!
//! It is read from outside, since a bay that waits cannot say so.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// What the kernel counts for one thread, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ThreadTimes {
    ran_ns: u64,
    waited_ns: u64,
}

/// Returns the longest time that any of the threads was ready to run while nothing of the bay ran, in microseconds;
/// none if the kernel counts it for none of them.
///
/// Not the sum: threads that wait at the same time make the program no later than one of them. A thread waits for
/// others of its bay, too: what these used, nobody else took from it. `used_us` is what all of them used together.
pub(super) fn longest_us(proc: &OwnedFd, threads: &[i32], used_us: Option<u64>) -> Option<u64> {
    threads.iter().filter_map(|thread| Some(times(proc, *thread)?.waited_for_host_us(used_us))).max()
}

/// Returns the threads of all processes below `first`, for hosts without cgroups; about `most` of them at most.
pub(super) fn threads_below(proc: &OwnedFd, first: i32, most: usize) -> Vec<i32> {
    let mut processes = VecDeque::from([first]);
    let mut found = Vec::new();
    while let Some(process) = processes.pop_front()
        && found.len() < most
    {
        for thread in threads_of(proc, process).unwrap_or_default() {
            // Absent where the kernel was built without CONFIG_PROC_CHILDREN.
            let children = read(proc, &format!("{process}/task/{thread}/children")).unwrap_or_default();
            processes.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
            if process != first {
                found.push(thread);
            }
        }
    }
    found
}

impl ThreadTimes {
    /// Parses a schedstat: time on a CPU, time waiting for one, and time slices
    /// (Documentation/scheduler/sched-stats.rst).
    fn parse(schedstat: &str) -> Option<Self> {
        let mut numbers = schedstat.split_whitespace().map(str::parse);
        Some(Self { ran_ns: numbers.next()?.ok()?, waited_ns: numbers.next()?.ok()? })
    }

    fn waited_for_host_us(self, used_us: Option<u64>) -> u64 {
        let others_us = used_us.unwrap_or(0).saturating_sub(self.ran_ns / 1_000);
        (self.waited_ns / 1_000).saturating_sub(others_us)
    }
}

/// Reads what is counted for a thread; none if it has ended.
fn times(proc: &OwnedFd, thread: i32) -> Option<ThreadTimes> {
    ThreadTimes::parse(&read(proc, &format!("{thread}/schedstat")).ok()?)
}

fn threads_of(proc: &OwnedFd, process: i32) -> Result<Vec<i32>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = Dir::new(rustix::fs::openat(proc, format!("{process}/task"), flags, Mode::empty())?)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse().ok()).collect())
}

/// Reads the beginning of a file, which for those read here is nearly always all of it.
fn read(proc: &OwnedFd, path: &str) -> Result<String, Errno> {
    let file = rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = [0; 4096];
    let count = rustix::io::read(&file, &mut text)?;
    Ok(String::from_utf8_lossy(&text[..count]).into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use runbay_testkit::eventually;
    use rustix::process::Pid;
    use rustix::process::Signal;

    use super::*;

    fn proc() -> OwnedFd {
        std::fs::File::open("/proc").unwrap().into()
    }

    #[test]
    fn the_first_two_numbers_count() {
        assert_eq!(ThreadTimes::parse("551841 42 2\n"), Some(ThreadTimes { ran_ns: 551_841, waited_ns: 42 }));
        assert_eq!(ThreadTimes::parse("551841\n"), None);
        assert_eq!(ThreadTimes::parse(""), None);
    }

    #[test]
    fn what_siblings_used_is_not_the_hosts_doing() {
        let times = ThreadTimes { ran_ns: 1_000_000, waited_ns: 5_000_000 };
        assert_eq!(times.waited_for_host_us(None), 5_000);
        assert_eq!(times.waited_for_host_us(Some(1_000)), 5_000, "it alone ran");
        assert_eq!(times.waited_for_host_us(Some(4_000)), 2_000);
        assert_eq!(times.waited_for_host_us(Some(9_000)), 0);
    }

    #[test]
    fn a_thread_that_has_ended_is_left_out() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(longest_us(&proc(), &[own, i32::MAX], None).is_some());
        assert_eq!(longest_us(&proc(), &[i32::MAX], None), None);
    }

    #[tokio::test]
    async fn children_and_their_children_are_found() {
        let mut shell = Command::new("sh").args(["-c", "sh -c 'sleep 60; true'; true"]).spawn().unwrap();
        let first = i32::try_from(shell.id()).unwrap();
        let both = async || {
            let found = threads_below(&proc(), first, 16);
            (found.len() == 2).then_some(found)
        };
        let found = eventually(Duration::from_secs(30), "two shells run", both).await;
        assert_eq!(threads_below(&proc(), first, 1).len(), 1);
        for pid in found {
            rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        }
        shell.wait().unwrap();
    }
}
