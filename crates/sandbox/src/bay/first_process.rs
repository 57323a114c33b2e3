//! The life of a bay's pid 1.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::io::Errno;

use super::control::Control;
use super::counted::Counted;
use super::files;
use super::inheritance::Inheritance;
use super::inheritance::close_range;
use super::inheritance::exit;
use super::inheritance::report;
use super::job::Job;
use super::job::ParkedJob;
use super::mounts;
use super::namespaces;
use super::pack;
use super::pack::PackError;
use super::program;
use super::program::Start;
use super::reaper;
use super::terminal::Terminal;
use super::unpack;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::wire::BayMessage;
use crate::wire::BayReport;
use crate::wire::ProgramEnd;

/// Builds the bay around the calling process, runs one job and reports its end.
///
/// It never returns, so that nothing of the forker whose copy this is runs on: no destructor, no loop.
pub(crate) fn first_process(inheritance: &Inheritance<'_>) -> ! {
    let last = live(inheritance).unwrap_or_else(BayReport::Failed);
    report(inheritance.reports.as_fd(), &last);
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
    let mut terminal = inheritance.limits.terminal.then(Terminal::open).transpose().during(Step::OpenTerminal)?;
    let mut counted = Counted::new(program::confine(inheritance.filter)?);

    let control = Control::new(inheritance.control).during(Step::ReadJob)?;
    let (runtime, job) = control.read_first().during(Step::ReadJob)?;
    let ParkedJob { limits, mut job } = match job {
        Some(job) => ParkedJob { limits: *inheritance.limits, job },
        None => park(inheritance, &control)?,
    };
    fill_box(&mut job)?;
    let children = reaper::Children::watch().during(Step::BlockSignals)?;
    let shown = job.terminal.map(|size| terminal.as_mut().ok_or(Errno::NODEV)?.hand_out(size));
    let shown = shown.transpose().during(Step::OpenTerminal)?;
    if shown.is_none() {
        control.tell(BayMessage::Started, None).during(Step::ReadJob)?;
    }
    let terminal = shown.as_ref().and(terminal.as_ref()).map(Terminal::programs_side);
    let started = program::start(&Start { runtime: &runtime, job: &job, limits: &limits, terminal }, inheritance)?;
    // Not before, so that a key that interrupts finds a program. The service alone has this side then.
    if let Some(shown) = shown {
        control.tell(BayMessage::Started, Some(shown.as_fd())).during(Step::ReadJob)?;
    }
    let ended = children.await_end(&started, &control, &mut counted).during(Step::WaitForProgram)?;
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

/// Waits for a job, as long as the service wants the bay.
///
/// The forker hears of it first: it changes the limits of parked bays only.
fn park(inheritance: &Inheritance<'_>, control: &Control) -> Result<ParkedJob, StepError> {
    report(inheritance.reports.as_fd(), &BayReport::Parked);
    control.tell(BayMessage::Parked, None).during(Step::ReadJob)?;
    let parked = control.read_parked().during(Step::ReadJob)?;
    report(inheritance.reports.as_fd(), &BayReport::Unparked);
    Ok(parked)
}

/// Makes the files that the program finds.
fn fill_box(job: &mut Job) -> Result<(), StepError> {
    // Taken, so that it is closed before the program starts.
    if let Some(artefact) = job.unpack.take() {
        files::open_artefacts().and_then(|root| unpack::unpack(&root, &artefact)).during(Step::Unpack)?;
    }
    files::open_box().and_then(|root| files::write(&root, &job.files)).during(Step::WriteFile)?;
    match &job.keep {
        Some(name) => files::open_artefacts().and_then(|root| files::prepare(&root, name)).during(Step::WriteFile),
        None => Ok(()),
    }
}

/// Packs what the program made and passes it to the service; only to be called when nothing else runs in the bay.
fn hand_over(name: &Path, control: &Control) -> Result<(), StepError> {
    let root = files::open_artefacts().during(Step::Pack)?;
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
