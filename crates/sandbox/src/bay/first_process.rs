//! The life of a bay's pid 1.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::files;
use super::identity::Identity;
use super::job;
use super::mounts;
use super::namespaces;
use super::program;
use super::reaper;
use crate::packet;
use crate::policy::Filter;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::BayLimits;
use crate::wire::BayReport;
use crate::wire::encode;

/// What the forker says once the bay's users are mapped.
pub(crate) const MAPPED: &[u8] = b"mapped";

/// What pid 1 says on the control stream right before the program starts.
pub(crate) const STARTED: u8 = b'S';

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
    pub(crate) limits: &'a BayLimits,
    pub(crate) filter: &'a Filter,
    pub(crate) identity: Identity,
    /// Whether a cgroup limits the memory; else the program's resource limits have to.
    pub(crate) has_cgroup: bool,
}

/// Builds the bay around the calling process, runs one job and reports its end.
///
/// It never returns, so that nothing of the forker whose copy this is runs on: no destructor, no loop.
pub(crate) fn first_process(inheritance: &Inheritance<'_>) -> ! {
    let report = match live(inheritance) {
        Ok(report) => report,
        Err(error) => BayReport::Failed(error),
    };
    // If the forker is gone, so is everybody who wants to know.
    _ = packet::send(inheritance.reports, &encode(&report), &[]);
    exit();
}

fn live(inheritance: &Inheritance<'_>) -> Result<BayReport, StepError> {
    // First, so that all that follows is charged to the bay.
    namespaces::enter_cgroup(inheritance.cgroup_tasks)?;
    let kept: Vec<_> =
        [inheritance.reports, inheritance.control, inheritance.stdin, inheritance.stdout, inheritance.stderr]
            .map(AsRawFd::as_raw_fd)
            .into();
    close_all_but(kept).during(Step::CloseFiles)?;
    rustix::thread::set_name(c"runbay-bay").during(Step::CloseFiles)?;
    namespaces::make(inheritance.reports, inheritance.identity)?;
    mounts::make(inheritance.limits)?;
    program::confine(inheritance.filter)?;

    let control = std::os::unix::net::UnixStream::from(
        rustix::io::fcntl_dupfd_cloexec(inheritance.control, 3).during(Step::ReadJob)?,
    );
    let job = job::read(&control).during(Step::ReadJob)?;
    files::write(&job.files)?;
    let children = reaper::Children::watch().during(Step::BlockSignals)?;
    (&control).write_all(&[STARTED]).during(Step::ReadJob)?;
    let started = program::start(&job, inheritance)?;
    children.await_end(started, &control)
}

/// Closes all fds but 0, 1, 2 and `kept`, among them those of other bays that the forker's copy holds.
fn close_all_but(mut kept: Vec<i32>) -> Result<(), Errno> {
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept {
        close_range(first, fd - 1)?;
        first = fd + 1;
    }
    close_range(first, i32::MAX)
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
pub(super) fn exit() -> ! {
    // SAFETY: it has no preconditions.
    unsafe { libc::_exit(0) }
}

/// Reads the next packet of the forker.
pub(super) fn hear(reports: &OwnedFd) -> Result<Vec<u8>, Errno> {
    packet::receive(reports)?.map(|packet| packet.bytes).ok_or(Errno::PIPE)
}

/// Tells the forker that a step failed after the program was forked.
pub(super) fn report_failure(reports: BorrowedFd<'_>, error: StepError) {
    _ = packet::send(reports, &encode(&BayReport::Failed(error)), &[]);
}
