//! What a bay's first process has from the forker, and what it does with it.

use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::identity::Identity;
use crate::packet;
use crate::policy::Filter;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::BayLimits;
use crate::wire::BayReport;
use crate::wire::encode;

/// What the forker says once the bay's users are mapped.
pub(crate) const MAPPED: &[u8] = b"mapped";

/// What a bay's first process has from the forker.
pub(crate) struct Inheritance<'a> {
    /// Where it writes `0` to enter its version 1 cgroups; empty if it is in its cgroup already.
    pub(crate) cgroup_tasks: &'a [OwnedFd],
    /// To the forker.
    pub(crate) reports: &'a OwnedFd,
    /// From and to the service.
    pub(crate) control: &'a OwnedFd,
    pub(crate) stdin: &'a OwnedFd,
    pub(crate) stdout: &'a OwnedFd,
    pub(crate) stderr: &'a OwnedFd,
    /// The limits that the bay is built with.
    pub(crate) limits: &'a BayLimits,
    pub(crate) filter: &'a Filter,
    pub(crate) identity: Identity,
    /// Whether a cgroup limits the memory; else the program's resource limits have to.
    pub(crate) has_cgroup: bool,
}

/// Closes the fds from `first` to `last`, see close_range(2).
pub(crate) fn close_range(first: i32, last: i32) -> Result<(), Errno> {
    if first > last {
        return Ok(());
    }
    // SAFETY: what owns these fds, if anything, is in memory copied from another process and never runs in this one.
    let result = unsafe { libc::close_range(first.cast_unsigned(), last.cast_unsigned(), 0) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Leaves without running destructors or exit handlers, which belong to the process this is a copy of.
pub(crate) fn exit() -> ! {
    // SAFETY: it has no preconditions.
    unsafe { libc::_exit(0) }
}

/// Reads the next packet of the forker.
pub(super) fn hear(reports: &OwnedFd) -> Result<Vec<u8>, Errno> {
    packet::receive(reports)?.map(|packet| packet.bytes).ok_or(Errno::PIPE)
}

/// Tells the forker something; if the forker is gone, so is everybody who wants to know.
pub(super) fn report(reports: BorrowedFd<'_>, report: &BayReport) {
    _ = packet::send(reports, &encode(report), &[]);
}

/// Tells the forker that a step failed.
pub(super) fn report_failure(reports: BorrowedFd<'_>, error: StepError) {
    report(reports, &BayReport::Failed(error));
}
