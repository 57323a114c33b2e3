//! A process that makes the kernel forget what a dead bay left in its memory.
//!
//! It takes a while, for which the forker must not wait.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use super::clone::clone_helper;
use super::clone::die_with_parent;
use crate::bay;
use crate::cgroup::BayCgroup;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Nobody waits for it, so everybody else comes first.
const NICE: i32 = 19;

/// The process while it works. Dropping it kills it.
pub(super) struct Forgetting {
    pidfd: OwnedFd,
    until: Instant,
}

impl Forgetting {
    pub(super) fn start(cgroup: &BayCgroup) -> Result<Self, Errno> {
        match clone_helper()? {
            Some(pidfd) => Ok(Self { pidfd, until: Instant::now() + PATIENCE }),
            None => work(cgroup),
        }
    }

    /// Returns whether it has ended, or took too long.
    pub(super) fn is_over(&self) -> bool {
        let ended = rustix::event::poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&Timespec::default()));
        ended != Ok(0) || Instant::now() >= self.until
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        // Both can only fail because it is dead. The kernel looks for signals while it forgets.
        _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        _ = rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
    }
}

/// What the process does.
fn work(cgroup: &BayCgroup) -> ! {
    // Without the forker's copies of pipes: who reads from those waits for the end of all copies.
    let kept = cgroup.memory_directory().as_raw_fd();
    let alone = bay::close_range(0, kept - 1).and_then(|()| bay::close_range(kept + 1, i32::MAX));
    if alone.and_then(|()| die_with_parent()).is_ok() {
        _ = rustix::process::setpriority_process(None, NICE);
        // An older kernel cannot forget on demand.
        _ = cgroup.forget();
    }
    bay::exit()
}
