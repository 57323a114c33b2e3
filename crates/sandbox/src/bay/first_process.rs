//! The life of a bay's pid 1.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;

use super::control::Control;
use super::files;
use super::identity::Identity;
use super::job::Job;
use super::mounts;
use super::namespaces;
use super::pack;
use super::pack::PackError;
use super::program;
use super::reaper;
use super::unpack;
use crate::packet;
use crate::policy::Filter;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::BayLimits;
use crate::wire::BayMessage;
use crate::wire::BayReport;
use crate::wire::ProgramEnd;
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

    let control = Control::new(inheritance.control).during(Step::ReadJob)?;
    let mut job = control.read_job().during(Step::ReadJob)?;
    fill_box(&mut job)?;
    let children = reaper::Children::watch().during(Step::BlockSignals)?;
    control.tell(BayMessage::Started, None).during(Step::ReadJob)?;
    let started = program::start(&job, inheritance)?;
    let ended = children.await_end(&started, &control).during(Step::WaitForProgram)?;
    let kept = job.keep.as_deref().filter(|_| ended.how == ProgramEnd::Exited(0));
    if kept.is_some() {
        control.tell(BayMessage::Packing, None).during(Step::HandOver)?;
    }
    let usage = reaper::end_all(&ended);
    if let Some(name) = kept {
        hand_over(name, &control)?;
    }
    Ok(BayReport::Ended { end: ended.how, usage })
}

/// Makes the files that the program finds.
fn fill_box(job: &mut Job) -> Result<(), StepError> {
    let root = files::open_box().during(Step::WriteFile)?;
    // Taken, so that it is closed before the program starts.
    if let Some(artefact) = job.unpack.take() {
        unpack::unpack(&root, &artefact).during(Step::Unpack)?;
    }
    files::write(&root, &job.files).during(Step::WriteFile)?;
    match &job.keep {
        Some(name) => files::prepare(&root, name).during(Step::WriteFile),
        None => Ok(()),
    }
}

/// Packs what the program made and passes it to the service; only to be called when nothing else runs in the bay.
fn hand_over(name: &Path, control: &Control) -> Result<(), StepError> {
    let root = files::open_box().during(Step::Pack)?;
    match pack::pack(&root, name) {
        Ok(packed) => control.tell(BayMessage::Packed(Ok(())), Some(packed.as_fd())),
        Err(PackError::Fault(fault)) => control.tell(BayMessage::Packed(Err(fault)), None),
        Err(PackError::Refused(error)) => return Err(StepError::new(Step::Pack, error)),
    }
    .during(Step::HandOver)
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
