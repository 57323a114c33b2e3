//! Giving up every right, and starting the program.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Instant;

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::DumpableBehavior;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;

use super::PROGRAM_ID;
use super::first_process::Inheritance;
use super::first_process::close_range;
use super::first_process::exit;
use super::first_process::report_failure;
use super::job::Job;
use crate::policy::Filter;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::BayLimits;

/// The stack of the main thread; other threads get the same unless their runtime asks for something else.
const STACK_BYTES: u64 = 8 * 1024 * 1024;

/// A program that was started.
pub(super) struct Started {
    pub(super) pid: i32,
    pub(super) at: Instant,
}

/// Takes from pid 1, and so from all that it starts, what the program must not have.
pub(super) fn confine(filter: &Filter) -> Result<(), StepError> {
    // Nothing in the bay may look into pid 1, whose memory is a copy of the forker's.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).during(Step::NoNewPrivileges)?;
    drop_bounding_set().during(Step::DropBounding)?;
    rustix::thread::set_no_new_privs(true).during(Step::NoNewPrivileges)?;
    filter.install().during(Step::InstallFilter)
}

/// Forks and executes the program; pid 1 keeps no end of its pipes.
pub(super) fn start(job: &Job, inheritance: &Inheritance<'_>) -> Result<Started, StepError> {
    // Memory is taken before the fork, so that a refusal is pid 1's to report.
    let command = Command::new(job).during(Step::Execute)?;
    let at = Instant::now();
    // SAFETY: pid 1 has one thread, so the copy is not missing one that holds a lock.
    match unsafe { libc::fork() } {
        -1 => Err(StepError::new(Step::Fork, last_errno())),
        0 => {
            let error = become_program(&command, inheritance);
            report_failure(inheritance.reports.as_fd(), error);
            exit()
        }
        pid => {
            for end in [inheritance.stdin, inheritance.stdout, inheritance.stderr] {
                close_range(end.as_raw_fd(), end.as_raw_fd()).during(Step::CloseFiles)?;
            }
            Ok(Started { pid, at })
        }
    }
}

/// What execve(2) wants, with its arrays of pointers.
struct Command {
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    fn new(job: &Job) -> Result<Self, Errno> {
        let text = |text: String| CString::new(text).map_err(|_| Errno::INVAL);
        Ok(Self {
            arguments: job.argv.iter().cloned().map(text).collect::<Result<_, _>>()?,
            environment: job
                .environment
                .iter()
                .map(|(name, value)| text(format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Replaces the calling process; only returns if that fails.
    fn execute(&self) -> Errno {
        let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
            texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
        };
        let Some(program) = self.arguments.first() else {
            return Errno::NOENT;
        };
        let arguments = pointers(&self.arguments);
        let environment = pointers(&self.environment);
        // SAFETY: both arrays end with a null pointer, and all strings outlive the call.
        unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        last_errno()
    }
}

/// Turns the forked process into the program; only returns if a step fails.
fn become_program(command: &Command, inheritance: &Inheritance<'_>) -> StepError {
    match prepare_program(inheritance) {
        Ok(()) => StepError::new(Step::Execute, command.execute()),
        Err(error) => error,
    }
}

fn prepare_program(inheritance: &Inheritance<'_>) -> Result<(), StepError> {
    rustix::process::setsid().during(Step::NewSession)?;
    redirect(inheritance).during(Step::Redirect)?;
    limit_resources(inheritance.limits).during(Step::LimitResources)?;
    change_user().during(Step::ChangeUser)?;
    rustix::thread::set_capabilities(None, NO_CAPABILITIES).during(Step::ClearCapabilities)?;
    check_capabilities().during(Step::CheckCapabilities)?;
    reset_signals().during(Step::ResetSignals)
}

/// Makes the pipes 0, 1 and 2, and lets execve(2) close the rest.
fn redirect(inheritance: &Inheritance<'_>) -> Result<(), Errno> {
    rustix::stdio::dup2_stdin(inheritance.stdin)?;
    rustix::stdio::dup2_stdout(inheritance.stdout)?;
    rustix::stdio::dup2_stderr(inheritance.stderr)?;
    // SAFETY: it changes flags only; the fds stay open for the report of a failure.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

fn limit_resources(limits: &BayLimits) -> Result<(), Errno> {
    // The group's CPU time is watched from outside; this stops one process when nobody looks. Whole seconds.
    let cpu_seconds = limits.cpu_time_ms.div_ceil(1000).saturating_add(1);
    let values = [
        (Resource::Core, 0),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Memlock, 64 * 1024),
        (Resource::Msgqueue, 64 * 1024),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, limits.processes),
        (Resource::Stack, STACK_BYTES),
    ];
    for (resource, value) in values {
        rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    }
    Ok(())
}

fn change_user() -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(PROGRAM_ID), Gid::from_raw(PROGRAM_ID));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

const NO_CAPABILITIES: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Reads all five sets back: a bay whose program could regain a right must not start.
fn check_capabilities() -> Result<(), Errno> {
    let sets = rustix::thread::capabilities(None)?;
    let mut empty = sets == NO_CAPABILITIES;
    for capability in CapabilitySet::all().iter() {
        empty &= !held(rustix::thread::capability_is_in_ambient_set(capability))?;
        empty &= !held(rustix::thread::capability_is_in_bounding_set(capability))?;
    }
    if empty { Ok(()) } else { Err(Errno::PERM) }
}

fn drop_bounding_set() -> Result<(), Errno> {
    rustix::thread::clear_ambient_capability_set()?;
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Newer capabilities that this kernel does not have.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes a capability that this kernel does not know for one that is not held.
fn held(answer: Result<bool, Errno>) -> Result<bool, Errno> {
    match answer {
        Err(Errno::INVAL) => Ok(false),
        answer => answer,
    }
}

/// Undoes what execve(2) keeps: ignored signals (Rust ignores SIGPIPE) and the blocked SIGCHLD of pid 1.
fn reset_signals() -> Result<(), Errno> {
    for signal in 1..=libc::SIGSYS {
        if signal != libc::SIGKILL && signal != libc::SIGSTOP {
            // SAFETY: the default action is no handler that could run.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    super::reaper::unblock_signals()
}
