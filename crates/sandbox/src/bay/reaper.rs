//! Waiting for the program, and for everything it started.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::WaitOptions;
use rustix::process::WaitStatus;

use super::control::Control;
use super::counted::Counted;
use crate::step::last_errno;
use crate::wire::ProgramEnd;
use crate::wire::ServiceMessage;
use crate::wire::Signal;
use crate::wire::Usage;

/// A program that was started.
pub(super) struct Started {
    /// Its pid, and that of its process group.
    pub(super) pid: Pid,
    pub(super) at: Instant,
}

/// Tells when children die; has to exist before the first one.
pub(super) struct Children {
    signals: OwnedFd,
}

/// The end of the program, whose descendants may still run.
pub(super) struct Ended {
    pub(super) how: ProgramEnd,
    pub(super) wall: Duration,
}

impl Children {
    /// Turns SIGCHLD into something to poll for, see signalfd(2).
    pub(super) fn watch() -> Result<Self, Errno> {
        let mask = child_signal();
        set_mask(libc::SIG_BLOCK, &mask)?;
        // SAFETY: the mask is initialized; -1 asks for a new fd.
        let fd = unsafe { libc::signalfd(-1, &raw const mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel has just made this fd, and nothing else owns it.
        Ok(Self { signals: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Waits until the program ends or nobody wants it any more; meanwhile does what the service asks, and answers
    /// calls that are counted.
    pub(super) fn await_end(
        &self,
        program: &Started,
        control: &Control,
        counted: &mut Counted,
    ) -> Result<Ended, Errno> {
        let ended = |how| Ended { how, wall: program.at.elapsed() };
        loop {
            let mut sources = [self.signals.as_fd(), control.as_fd(), counted.as_fd()]
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            match rustix::event::poll(&mut sources, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let [_, asked, called] = sources.map(|source| !source.revents().is_empty());
            if asked && obey(control, program).is_err() {
                return Ok(ended(ProgramEnd::Killed));
            }
            if called {
                counted.answer()?;
            }
            self.drain();
            while let Some((pid, status)) = rustix::process::wait(WaitOptions::NOHANG)? {
                if pid == program.pid
                    && let Some(end) = program_end(status)
                {
                    return Ok(ended(end));
                }
            }
        }
    }

    /// Empties the signalfd; one entry can stand for many children, so what it says is not used.
    fn drain(&self) {
        let mut entry = [0; size_of::<libc::signalfd_siginfo>()];
        while rustix::io::read(&self.signals, &mut entry).is_ok_and(|count| count > 0) {}
    }
}

/// Does what the service asks; fails when the service has closed the stream.
///
/// The program is not reaped, so its pid is still that of its process group.
fn obey(control: &Control, program: &Started) -> io::Result<()> {
    match control.hear()? {
        ServiceMessage::Signal(signal) => {
            // Everything that the signal was for may have ended.
            _ = rustix::process::kill_process_group(program.pid, number(signal));
            Ok(())
        }
    }
}

fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Hangup => rustix::process::Signal::HUP,
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Quit => rustix::process::Signal::QUIT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::User1 => rustix::process::Signal::USR1,
        Signal::User2 => rustix::process::Signal::USR2,
        Signal::Kill => rustix::process::Signal::KILL,
    }
}

/// Ends everything that the program left running; returns what all processes used.
pub(super) fn end_all(ended: &Ended) -> Usage {
    kill_all();
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    Usage { wall_us: Some(microseconds(ended.wall)), ..children_usage() }
}

/// Undoes [`Children::watch`] in the program.
pub(super) fn unblock_signals() -> Result<(), Errno> {
    set_mask(libc::SIG_UNBLOCK, &child_signal())
}

fn program_end(status: WaitStatus) -> Option<ProgramEnd> {
    status.exit_status().map(ProgramEnd::Exited).or(status.terminating_signal().map(ProgramEnd::Signalled))
}

fn child_signal() -> libc::sigset_t {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: it initializes what the pointer leads to and cannot fail.
    unsafe { libc::sigemptyset(mask.as_mut_ptr()) };
    // SAFETY: the set is initialized and the signal exists.
    unsafe { libc::sigaddset(mask.as_mut_ptr(), libc::SIGCHLD) };
    // SAFETY: it was initialized above.
    unsafe { mask.assume_init() }
}

fn set_mask(how: libc::c_int, mask: &libc::sigset_t) -> Result<(), Errno> {
    // SAFETY: the mask is initialized, and no old mask is asked for.
    let result = unsafe { libc::sigprocmask(how, mask, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Kills every process of the pid namespace but its pid 1, which calls this (kill(2)); none may be left.
fn kill_all() {
    // SAFETY: it has no preconditions.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Returns what all reaped processes used, for hosts without cgroups.
fn children_usage() -> Usage {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer leads to a rusage.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    if result != 0 {
        return Usage::default();
    }
    // SAFETY: all bytes zero is a valid rusage, and the kernel filled it in.
    let usage = unsafe { usage.assume_init() };
    let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
    Usage {
        cpu_us: Some(microseconds(cpu)),
        // The largest process, in kilobytes: the best there is without a cgroup.
        memory_peak_bytes: u64::try_from(usage.ru_maxrss).ok().map(|kilobytes| kilobytes * 1024),
        ..Usage::default()
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
