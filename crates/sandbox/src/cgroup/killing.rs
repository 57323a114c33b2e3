//! Kills the processes of a group one by one, where the kernel cannot kill a group.

use std::collections::HashSet;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;

use super::files;

/// A process that is killed starts no other, so all that is left after a pass was started during that pass.
const PASSES: usize = 8;

/// Kills every process of a group; only one that goes on starting others faster than this could be left.
pub(super) fn kill_all(group: &OwnedFd) -> Result<(), Errno> {
    let mut killed = HashSet::new();
    for _ in 0..PASSES {
        let found: Vec<_> = processes(group)?.difference(&killed).copied().collect();
        if found.is_empty() {
            break;
        }
        kill(group, &found)?;
        killed.extend(found);
    }
    Ok(())
}

fn kill(group: &OwnedFd, found: &[Pid]) -> Result<(), Errno> {
    let open = |pid: &Pid| Some((*pid, rustix::process::pidfd_open(*pid, PidfdFlags::empty()).ok()?));
    let opened: Vec<_> = found.iter().filter_map(open).collect();
    // A process outside of the group may have the pid of one that has died since. Then the group does not list it now.
    let listed = processes(group)?;
    for (pid, pidfd) in opened {
        if listed.contains(&pid) {
            // It may have died by itself.
            _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
    Ok(())
}

fn processes(group: &OwnedFd) -> Result<HashSet<Pid>, Errno> {
    let text = files::read(group, "cgroup.procs")?;
    Ok(text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn all_that_is_listed_is_killed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let group = fs::File::open(directory.path()).unwrap().into();
        let mut processes = [(); 3].map(|()| Command::new("sleep").arg("60").spawn().unwrap());
        let [first, second, other] = &mut processes;
        // One of them is gone already.
        let text = format!("{}\n{}\n{}\n", first.id(), i32::MAX, second.id());
        fs::write(directory.path().join("cgroup.procs"), text).unwrap();
        kill_all(&group).unwrap();
        for killed in [first, second] {
            assert_eq!(killed.wait().unwrap().signal(), Some(libc::SIGKILL));
        }
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
