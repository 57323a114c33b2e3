//! Cloning the first process of a bay.

use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;

use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::thread::CapabilitiesSecureBits;

use crate::step::last_errno;

/// The namespaces a bay is cloned into. Three more it inherits ([`super::namespaces`]), and the cgroup namespace it
/// makes itself, since that has to come after entering the cgroup.
const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID;

/// Clones straight into the cgroup whose directory is given (Linux 5.7); libc's constant is too narrow.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// In which process [`clone_first_process`] returned.
pub(super) enum Side {
    /// In the forker, with the new process.
    Forker(FirstProcess),
    /// In the new process.
    Bay,
}

/// The first process of a bay.
pub(super) struct FirstProcess {
    pub(super) pidfd: OwnedFd,
    /// Its pid in the forker's namespace; it stays valid until the process is reaped.
    pub(super) pid: i32,
}

/// Lets the forker keep its capabilities while [`clone_first_process`] lends it another user (capabilities(7)).
pub(super) fn keep_capabilities() -> Result<(), Errno> {
    rustix::thread::set_capabilities_secure_bits(CapabilitiesSecureBits::NO_SETUID_FIXUP)
}

/// Clones the calling process into new namespaces, and into a version 2 cgroup if one is given (clone3(2)).
///
/// The user namespace belongs to `owner`. The kernel charges what is counted for each user (inotify instances, queued
/// signals) to the owner as well: if that were root, one bay could use up what root and all other bays have.
///
/// It returns twice, like fork(2), and like there the child has a copy of all memory and fds.
pub(super) fn clone_first_process(cgroup: Option<&OwnedFd>, owner: Option<Uid>) -> Result<Side, Errno> {
    let Some(owner) = owner else {
        return clone(NAMESPACES, cgroup);
    };
    rustix::thread::set_thread_res_uid(Uid::ROOT, owner, Uid::ROOT)?;
    let side = clone(NAMESPACES, cgroup);
    if matches!(side, Ok(Side::Bay)) {
        return side;
    }
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)?;
    // A change of the user clears it (prctl(2)).
    die_with_parent()?;
    side
}

/// Asks for SIGKILL when the parent dies.
pub(super) fn die_with_parent() -> Result<(), Errno> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
}

/// Clones the calling process as it is, with a pidfd. It returns twice as well, and none in the new process.
pub(super) fn clone_helper() -> Result<Option<OwnedFd>, Errno> {
    match clone(0, None)? {
        Side::Forker(helper) => Ok(Some(helper.pidfd)),
        Side::Bay => Ok(None),
    }
}

fn clone(namespaces: libc::c_int, cgroup: Option<&OwnedFd>) -> Result<Side, Errno> {
    let mut pidfd: libc::c_int = -1;
    let mut flags = i64::from(namespaces | libc::CLONE_PIDFD).cast_unsigned();
    if cgroup.is_some() {
        flags |= CLONE_INTO_CGROUP;
    }
    let arguments = libc::clone_args {
        flags,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |directory| u64::from(directory.as_raw_fd().cast_unsigned())),
    };
    // SAFETY: without CLONE_VM and with no stack the child runs on its own copy of this memory, as after fork(2).
    // The forker has one thread, so no lock can be held by a thread that the copy lacks. `pidfd` outlives the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>()) };
    match pid {
        -1 => Err(last_errno()),
        0 => Ok(Side::Bay),
        pid => {
            // SAFETY: the kernel has just stored a new fd there, which nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Side::Forker(FirstProcess { pidfd, pid: i32::try_from(pid).expect("a pid has at most 22 bits") }))
        }
    }
}
