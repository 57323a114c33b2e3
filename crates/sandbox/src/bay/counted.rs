//! Calls that pid 1 answers, since what they make counts for no limit of the kernel.
//!
//! The filter stops such a call until pid 1 has looked at how much there is already (seccomp_unotify(2)). It decides by
//! numbers alone: the kernel has copied them, and the program cannot change them afterwards. What is on its way through
//! the kernel is not counted yet, which is at most one call of each thread.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::sockets::Sockets;

/// Locks that a bay may ask for, and give back, as long as it lives; who gets the signals of a file counts as one.
///
/// The kernel tells nobody cheaply how many there are. One takes 192 bytes.
const LOCK_CALLS: u32 = 150_000;

/// Watches of epoll(7) that a bay may ask for as long as it lives.
const WATCH_CALLS: u32 = 100_000;

/// Hears of the calls that are counted.
pub(super) struct Counted {
    listener: OwnedFd,
    /// None before the first time that somebody wants one.
    sockets: Option<Sockets>,
    locks_left: u32,
    watches_left: u32,
}

impl Counted {
    /// Takes what [`crate::policy::Filter::install`] returned.
    pub(super) fn new(listener: OwnedFd) -> Self {
        Self { listener, sockets: None, locks_left: LOCK_CALLS, watches_left: WATCH_CALLS }
    }

    /// Answers a call that waits; to be called when there is one.
    pub(super) fn answer(&mut self) -> Result<(), Errno> {
        let Some(call) = self.hear()? else { return Ok(()) };
        let answer = match self.decide(i64::from(call.data.nr), call.data.args) {
            Ok(()) => response(call.id, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE),
            Err(error) => response(call.id, -error.raw_os_error(), 0),
        };
        self.tell(&answer)
    }

    fn decide(&mut self, call: i64, arguments: [u64; 6]) -> Result<(), Errno> {
        match call {
            libc::SYS_socket => {
                let [family, kind] = [arguments[0], arguments[1]].map(low_word);
                self.sockets()?.room_for(family, kind)
            }
            libc::SYS_connect => self.sockets()?.room_for_connection(),
            libc::SYS_fcntl | libc::SYS_flock => take(&mut self.locks_left).ok_or(Errno::NOLCK),
            libc::SYS_epoll_ctl => take(&mut self.watches_left).ok_or(Errno::NOSPC),
            // The filter asks for no other.
            _ => Err(Errno::PERM),
        }
    }

    fn sockets(&mut self) -> Result<&Sockets, Errno> {
        if self.sockets.is_none() {
            self.sockets = Some(Sockets::open()?);
        }
        self.sockets.as_ref().ok_or(Errno::NOBUFS)
    }

    /// Returns what is asked; none if whoever asked is dead.
    fn hear(&self) -> Result<Option<libc::seccomp_notif>, Errno> {
        let mut call = MaybeUninit::<libc::seccomp_notif>::zeroed();
        // SAFETY: the pointer leads to memory of the size that the request names, all zero as the kernel wants it.
        let result =
            unsafe { libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, call.as_mut_ptr()) };
        match result {
            // SAFETY: all bytes zero is a valid value, and the kernel filled it in.
            0 => Ok(Some(unsafe { call.assume_init() })),
            _ => gone(crate::step::last_errno()).map(|()| None),
        }
    }

    fn tell(&self, answer: &libc::seccomp_notif_resp) -> Result<(), Errno> {
        // SAFETY: the request reads one answer, which the pointer leads to.
        let result = unsafe {
            libc::ioctl(self.listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, std::ptr::from_ref(answer))
        };
        if result == 0 { Ok(()) } else { gone(crate::step::last_errno()) }
    }
}

impl AsFd for Counted {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// Takes it for nothing that whoever asked is dead.
fn gone(error: Errno) -> Result<(), Errno> {
    match error {
        Errno::NOENT | Errno::INTR | Errno::INPROGRESS => Ok(()),
        error => Err(error),
    }
}

fn response(id: u64, error: i32, flags: libc::c_ulong) -> libc::seccomp_notif_resp {
    libc::seccomp_notif_resp { id, val: 0, error, flags: u32::try_from(flags).expect("the flag is 1") }
}

/// The kernel looks at the low half of a number that is an `int`.
fn low_word(argument: u64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the kernel does the same")]
    let low = argument as u32;
    low.cast_signed()
}

fn take(left: &mut u32) -> Option<()> {
    *left = left.checked_sub(1)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> Counted {
        let (listener, _) = rustix::pipe::pipe().unwrap();
        Counted { listener, sockets: None, locks_left: 2, watches_left: 1 }
    }

    #[test]
    fn there_are_so_many_locks_and_watches() {
        let mut counted = counted();
        let mut decide = |call| counted.decide(call, [0; 6]);
        assert_eq!([(); 3].map(|()| decide(libc::SYS_fcntl)), [Ok(()), Ok(()), Err(Errno::NOLCK)]);
        assert_eq!([(); 2].map(|()| decide(libc::SYS_epoll_ctl)), [Ok(()), Err(Errno::NOSPC)]);
    }

    #[test]
    fn what_nobody_counts_is_refused() {
        assert_eq!(counted().decide(libc::SYS_getpid, [0; 6]), Err(Errno::PERM));
    }
}
