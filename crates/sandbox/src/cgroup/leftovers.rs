//! Removes what a killed forker left in a cgroup hierarchy.

use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;

use super::files;

/// Directories of forkers start with this.
pub(super) const PREFIX: &str = "runbay.";

/// How long the processes of a killed forker may take to die.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns the names of forkers' directories in `base` that no living forker has locked.
pub(super) fn abandoned(base: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for name in subdirectories(base)? {
        if !name.starts_with(PREFIX) {
            continue;
        }
        match files::open_directory(base, &name) {
            Ok(directory) => match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => names.push(name),
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error),
            },
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}

/// Kills every process in the bays of an abandoned forker and removes its directories.
pub(super) fn remove(base: &OwnedFd, name: &str) -> Result<(), Errno> {
    let directory = match files::open_directory(base, name) {
        Err(Errno::NOENT) => return Ok(()),
        result => result?,
    };
    let deadline = Instant::now() + PATIENCE;
    for bay in subdirectories(&directory)? {
        let group = files::open_directory(&directory, &bay)?;
        loop {
            let alive = files::read(&group, "cgroup.procs")?;
            for pid in alive.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
                // It may have died in between.
                match rustix::process::kill_process(pid, Signal::KILL) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(error) => return Err(error),
                }
            }
            match files::remove_directory(&directory, &bay) {
                Err(Errno::BUSY) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                result => break result?,
            }
        }
    }
    files::remove_directory(base, name)
}

fn subdirectories(directory: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type() == FileType::Directory && name != "." && name != ".." {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}
