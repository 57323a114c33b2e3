//! Giving up every right, and starting the program.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::ptr;
use std::time::Instant;

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::DumpableBehavior;
use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::thread::CapabilitySet;
use rustix::thread::CapabilitySets;

use super::PROGRAM_ID;
use super::identity::Identity;
use super::inheritance::Inheritance;
use super::inheritance::close_range;
use super::inheritance::exit;
use super::inheritance::report_failure;
use super::job::Job;
use super::job::Runtime;
use super::job::StderrTarget;
use super::reaper::Started;
use super::reaper::unblock_signals;
use crate::policy::Filter;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;
use crate::wire::BayLimits;

/// Signals that may wait for a program; timers count as well.
const SIGNALS: u64 = 1024;

/// Takes from pid 1, and so from all that it starts, what the program must not have.
///
/// Returns what hears of the calls that are counted.
pub(super) fn confine(filter: &Filter) -> Result<OwnedFd, StepError> {
    // Nothing in the bay may look into pid 1, whose memory is a copy of the forker's.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).during(Step::NoNewPrivileges)?;
    drop_bounding_set().during(Step::DropBounding)?;
    rustix::thread::set_no_new_privs(true).during(Step::NoNewPrivileges)?;
    // The filter lets nobody change it afterwards.
    limit_core_dumps().during(Step::LimitCoreDumps)?;
    filter.install().during(Step::InstallFilter)
}

/// Leaves no room for core dumps.
///
/// Not by 0 if it can be helped: with that the kernel still starts a host's program for them (core(5)), with 1 it does
/// not.
fn limit_core_dumps() -> Result<(), Errno> {
    match set_limit(Resource::Core, 1) {
        // The hard limit is 0, and even the keeper had no right to raise it.
        Err(Errno::PERM) if !dumps_leave_the_bay() => set_limit(Resource::Core, 0),
        result => result,
    }
}

/// Returns whether the kernel passes core dumps to somebody on the host; true if that cannot be known.
fn dumps_leave_the_bay() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/core_pattern").map_or(true, |pattern| is_listener(&pattern))
}

/// Tells a program (`|`) or a socket (`@`, Linux 6.16) from a file, see core(5).
fn is_listener(core_pattern: &str) -> bool {
    core_pattern.starts_with(['|', '@'])
}

/// What is started.
pub(super) struct Start<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) job: &'a Job,
    /// Those that the bay has by now.
    pub(super) limits: &'a BayLimits,
    /// What the program has instead of pipes.
    pub(super) terminal: Option<BorrowedFd<'a>>,
}

/// Starts the program; pid 1 keeps no end of its pipes.
pub(super) fn start(start: &Start<'_>, inheritance: &Inheritance<'_>) -> Result<Started, StepError> {
    let Start { runtime, job, limits, terminal } = *start;
    let arguments = ExecArguments::new(runtime, job).during(Step::Execute)?;
    let birth = Birth { arguments, limits, terminal, inheritance };
    let at = Instant::now();
    let pid = clone_until_exec(&birth).during(Step::Fork)?;
    for end in [inheritance.stdin, inheritance.stdout, inheritance.stderr] {
        close_range(end.as_raw_fd(), end.as_raw_fd()).during(Step::CloseFiles)?;
    }
    Ok(Started { pid, at })
}

/// What the new process needs to become the program.
struct Birth<'a> {
    arguments: ExecArguments,
    limits: &'a BayLimits,
    terminal: Option<BorrowedFd<'a>>,
    inheritance: &'a Inheritance<'a>,
}

/// The new process's stack until it executes the program; it allocates little and recurses nowhere.
const BIRTH_STACK_BYTES: usize = 64 * 1024;

/// Starts a process that shares pid 1's memory, and waits until it executes the program or gives up.
///
/// Sharing spares the copy of all page tables and the faults on both copies, a sixth of the time of a small program
/// (vfork(2) does the same, but returns twice on one stack, which Rust does not allow).
fn clone_until_exec(birth: &Birth<'_>) -> Result<Pid, Errno> {
    let mut stack = vec![0_u128; BIRTH_STACK_BYTES / size_of::<u128>()];
    // SAFETY: one past the end of the vector, where a stack that grows down begins.
    let top = unsafe { stack.as_mut_ptr().add(stack.len()) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument = ptr::from_ref(birth).cast_mut().cast::<libc::c_void>();
    // SAFETY: pid 1 has one thread, and CLONE_VFORK stops it until the new process has left this memory, so nothing
    // is used by two at a time; `stack` and `birth` live until then. Fds, signal actions and ids are not shared.
    let pid = unsafe { libc::clone(be_born, top.cast(), flags, argument) };
    if pid < 0 { Err(last_errno()) } else { Ok(Pid::from_raw(pid).expect("the parent is told a pid")) }
}

extern "C" fn be_born(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `clone_until_exec` passes a `Birth` that outlives this process's use of the memory.
    let birth = unsafe { &*argument.cast::<Birth<'_>>() };
    let error = become_program(birth);
    report_failure(birth.inheritance.reports.as_fd(), error);
    exit()
}

/// Tells programs what the terminal understands, see term(7). Those that people have in pages and on desktops do.
const TERMINAL_KIND: (&str, &str) = ("TERM", "xterm-256color");

/// What is executed: what execve(2) wants, without its arrays of pointers.
struct ExecArguments {
    arguments: Vec<CString>,
    environment: Vec<CString>,
    stderr: StderrTarget,
}

impl ExecArguments {
    fn new(runtime: &Runtime, job: &Job) -> Result<Self, Errno> {
        let text = |text: String| CString::new(text).map_err(|_| Errno::INVAL);
        let terminal = job.terminal.map(|_| TERMINAL_KIND);
        let given = runtime.environment.iter().chain(&job.environment);
        let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: BTreeMap<_, _> = terminal.into_iter().chain(given).collect();
        Ok(Self {
            arguments: runtime.argv.iter().chain(&job.arguments).cloned().map(text).collect::<Result<_, _>>()?,
            environment: environment
                .into_iter()
                .map(|(name, value)| text(format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
            stderr: runtime.stderr,
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

/// Turns the new process into the program; only returns if a step fails.
fn become_program(birth: &Birth<'_>) -> StepError {
    match prepare_program(birth) {
        Ok(()) => StepError::new(Step::Execute, birth.arguments.execute()),
        Err(error) => error,
    }
}

fn prepare_program(birth: &Birth<'_>) -> Result<(), StepError> {
    let inheritance = birth.inheritance;
    rustix::process::setsid().during(Step::NewSession)?;
    match birth.terminal {
        Some(terminal) => {
            rustix::process::ioctl_tiocsctty(terminal).during(Step::TakeTerminal)?;
            redirect([terminal; 3]).during(Step::Redirect)?;
        }
        None => redirect(pipes(inheritance, birth.arguments.stderr)).during(Step::Redirect)?,
    }
    limit_resources(birth.limits, inheritance.has_cgroup).during(Step::LimitResources)?;
    preempt_nobody().during(Step::SetSchedule)?;
    change_user(inheritance.identity).during(Step::ChangeUser)?;
    rustix::thread::set_capabilities(None, NO_CAPABILITIES).during(Step::ClearCapabilities)?;
    check_capabilities().during(Step::CheckCapabilities)?;
    reset_signals().during(Step::ResetSignals)
}

/// Lets no process of the program interrupt another one, of this bay or a neighbour's, just because it wakes up: it waits
/// until that one has used its slice, see sched(7).
///
/// Otherwise those that sleep for a tenth of a millisecond, again and again, would come before all that work.
fn preempt_nobody() -> Result<(), Errno> {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: `priority` outlives the call, which only reads it.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const priority) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

fn pipes<'a>(inheritance: &Inheritance<'a>, stderr: StderrTarget) -> [BorrowedFd<'a>; 3] {
    let Inheritance { stdin, stdout, .. } = *inheritance;
    let stderr = match stderr {
        StderrTarget::Own => inheritance.stderr,
        StderrTarget::Stdout => stdout,
    };
    [stdin, stdout, stderr].map(AsFd::as_fd)
}

/// Makes these 0, 1 and 2, and lets execve(2) close the rest.
fn redirect([stdin, stdout, stderr]: [BorrowedFd<'_>; 3]) -> Result<(), Errno> {
    rustix::stdio::dup2_stdin(stdin)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)?;
    // SAFETY: it changes flags only; the fds stay open for the report of a failure.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

fn limit_resources(limits: &BayLimits, has_cgroup: bool) -> Result<(), Errno> {
    let cpu_seconds = cpu_seconds(limits.cpu_time_ms, has_cgroup);
    // One more than the cgroup allows: that is to refuse first, since it counts its refusals.
    let processes = limits.processes.saturating_add(1);
    let values = [
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Memlock, 64 * 1024),
        (Resource::Msgqueue, 64 * 1024),
        (Resource::Nice, 0),
        (Resource::Nofile, limits.open_files),
        (Resource::Nproc, processes),
        (Resource::Rtprio, 0),
        (Resource::Sigpending, SIGNALS),
    ];
    values.into_iter().try_for_each(|(resource, value)| set_limit(resource, value))?;
    limit_stack(limits, has_cgroup)?;
    // Without a cgroup: for each process alone, and without files in memory, but better than nothing. Address space
    // would be no measure: runtimes reserve gigabytes of it.
    let instead_of_cgroup = (!has_cgroup).then_some(limits.memory_bytes);
    match limits.data_bytes.into_iter().chain(instead_of_cgroup).min() {
        Some(bytes) => set_limit(Resource::Data, bytes),
        None => Ok(()),
    }
}

/// Returns after how much CPU time the kernel ends one process, in whole seconds.
///
/// A cgroup's CPU time is watched from outside, and that shall strike first: the kernel counts this one by ticks of its
/// clock, which may be far too many. Then this is for when nobody looks.
fn cpu_seconds(cpu_time_ms: u64, has_cgroup: bool) -> u64 {
    let seconds = cpu_time_ms.div_ceil(1000);
    if has_cgroup { seconds.saturating_mul(2) } else { seconds }.saturating_add(1)
}

/// Lets programs and compilers raise their own stack: what they use of it counts as memory.
fn limit_stack(limits: &BayLimits, has_cgroup: bool) -> Result<(), Errno> {
    let inherited = rustix::process::getrlimit(Resource::Stack).maximum;
    // Where no cgroup counts it, this is all that limits it: a stack is not a part of `Resource::Data`.
    let own = (!has_cgroup).then_some(limits.memory_bytes);
    let maximum = inherited.into_iter().chain(own).min();
    let current = maximum.into_iter().chain([limits.stack_bytes]).min();
    rustix::process::setrlimit(Resource::Stack, Rlimit { current, maximum })
}

fn set_limit(resource: Resource, value: u64) -> Result<(), Errno> {
    rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
}

fn change_user(identity: Identity) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(PROGRAM_ID), Gid::from_raw(PROGRAM_ID));
    if let Identity::Pair { .. } = identity {
        rustix::thread::set_thread_groups(&[])?;
    }
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

/// The last real-time signal.
const LAST_SIGNAL: libc::c_int = 64;

const NO_CAPABILITIES: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Reads the sets back: a bay whose program could regain a right must not start.
///
/// The ambient set is a part of the permitted and the inheritable one, see capabilities(7).
fn check_capabilities() -> Result<(), Errno> {
    let sets = rustix::thread::capabilities(None)?;
    let mut empty = sets == NO_CAPABILITIES;
    for capability in CapabilitySet::all().iter() {
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
    for signal in 1..=LAST_SIGNAL {
        if signal != libc::SIGKILL && signal != libc::SIGSTOP {
            // SAFETY: the default action is no handler that could run.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    unblock_signals()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bay::WindowSize;

    #[test]
    fn what_a_request_brings_comes_after_the_runtime_and_counts_more() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let runtime = Runtime {
            argv: vec!["/bin/lisp".to_owned(), "-q".to_owned()],
            environment: vec![pair("PATH", "/bin"), pair("A", "1")],
            stderr: StderrTarget::Stdout,
        };
        let job = Job {
            arguments: vec!["main".to_owned()],
            environment: vec![pair("B", "x=y"), pair("A", "2")],
            ..Job::default()
        };
        let made = ExecArguments::new(&runtime, &job).unwrap();
        assert_eq!(made.arguments, [c"/bin/lisp".to_owned(), c"-q".to_owned(), c"main".to_owned()]);
        assert_eq!(made.environment, [c"A=2".to_owned(), c"B=x=y".to_owned(), c"PATH=/bin".to_owned()]);
        let shown = Job { terminal: Some(WindowSize { columns: 80, rows: 24 }), ..job.clone() };
        let made = ExecArguments::new(&runtime, &shown).unwrap();
        assert_eq!(made.environment.last(), Some(&c"TERM=xterm-256color".to_owned()));
        let own = Job { environment: vec![pair("TERM", "dumb")], ..shown };
        let made = ExecArguments::new(&runtime, &own).unwrap();
        assert_eq!(made.environment.last(), Some(&c"TERM=dumb".to_owned()));
        let broken = Job { arguments: vec!["a\0b".to_owned()], ..job };
        assert!(ExecArguments::new(&runtime, &broken).is_err());
    }

    #[test]
    fn dumps_go_to_files_programs_or_sockets() {
        assert!(!is_listener("core\n") && !is_listener("/var/crash/%e.|@") && !is_listener(""));
        assert!(is_listener("|/usr/share/apport/apport -p%p\n") && is_listener("@/run/coredump.socket\n"));
    }
}
