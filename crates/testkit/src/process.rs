//! Processes as `/proc` shows them.

use std::collections::HashSet;
use std::fs;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

/// A process that was seen once; it may have ended since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent when it was seen.
    pub parent: i32,
    /// Its short name, as in `/proc/PID/comm`.
    pub name: String,
    state: char,
    /// When it was started, in clock ticks after boot; tells it from a later process with the same id.
    started: u64,
}

impl Process {
    /// Looks at a process; none when it does not exist.
    #[must_use]
    pub fn find(pid: i32) -> Option<Self> {
        parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Returns whether it still runs; a zombie does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::find(self.pid).is_some_and(|now| now.started == self.started && !matches!(now.state, 'Z' | 'X'))
    }

    /// Kills it with SIGKILL; does nothing when it has ended.
    pub fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Asks it to end with SIGTERM; does nothing when it has ended.
    pub fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Freezes it with SIGSTOP, without its children; does nothing when it has ended.
    pub fn pause(&self) {
        self.send(Signal::STOP);
    }

    /// Lets it continue with SIGCONT; does nothing when it has ended.
    pub fn resume(&self) {
        self.send(Signal::CONT);
    }

    fn send(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            // The process may end in this very moment, which is what is wanted.
            kill_process(pid, signal).ok();
        }
    }
}

/// Returns every living process below `root` in the tree of processes, without `root` itself.
#[must_use]
pub fn descendants(root: i32) -> Vec<Process> {
    let mut others = living();
    let mut family = HashSet::from([root]);
    let mut found = Vec::new();
    loop {
        let (children, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|one| family.contains(&one.parent));
        if children.is_empty() {
            return found;
        }
        family.extend(children.iter().map(|child| child.pid));
        found.extend(children);
        others = rest;
    }
}

fn living() -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Process::find)
        .filter(|process| !matches!(process.state, 'Z' | 'X'))
        .collect()
}

/// Reads `/proc/PID/stat`: `pid (name) state parent ...`, with the start time as the 22nd field.
fn parse(stat: &str) -> Option<Process> {
    // The name itself may hold spaces and parentheses.
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "42 (a) b (c) S 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 991 0";
        let process = parse(stat).unwrap();
        assert_eq!((process.pid, process.parent, process.name.as_str(), process.started), (42, 7, "a) b (c", 991));
    }

    #[test]
    fn a_child_is_seen_until_it_ends() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let seen = descendants(own).into_iter().find(|process| process.pid == pid).unwrap();
        assert!(seen.is_alive());
        seen.kill();
        child.wait().unwrap();
        assert!(!seen.is_alive());
    }
}
