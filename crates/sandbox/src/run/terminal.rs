//! The service's side of a program's terminal.
//!
//! It is read and written like the pipes of other programs. A read fails when nobody in the bay has the terminal any
//! more, after all that was written has been read; that is the end of its output.

use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::net::unix::pipe;

use crate::bay::WindowSize;
use crate::step::last_errno;

/// Asks for a signal to what runs in the foreground of a terminal, from its emulator's side (Linux 2.6.36); libc does not
/// name it.
const TIOCSIG: libc::Ioctl = 0x4004_5436;

/// The side that a terminal emulator has.
#[derive(Debug)]
pub(super) struct Terminal(OwnedFd);

impl Terminal {
    /// Takes what pid 1 handed out. Nobody else may have it, as it does not block from now on.
    pub(super) fn take_over(side: OwnedFd) -> io::Result<Arc<Self>> {
        rustix::io::ioctl_fionbio(&side, true)?;
        Ok(Arc::new(Self(side)))
    }

    /// Returns what is read like a pipe.
    pub(super) fn output(&self) -> io::Result<pipe::Receiver> {
        pipe::Receiver::from_owned_fd_unchecked(self.0.try_clone()?)
    }

    /// Returns what is written like a pipe.
    pub(super) fn input(&self) -> io::Result<pipe::Sender> {
        pipe::Sender::from_owned_fd_unchecked(self.0.try_clone()?)
    }

    /// Changes the size, and tells the program.
    pub(super) fn resize(&self, size: WindowSize) -> io::Result<()> {
        Ok(size.set(&self.0)?)
    }

    /// Sends SIGINT or SIGQUIT to what runs in the foreground, as a key does.
    pub(super) fn signal(&self, signal: libc::c_int) -> io::Result<()> {
        // SAFETY: the argument is a number, not a pointer.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), TIOCSIG, signal) };
        if result == 0 { Ok(()) } else { Err(last_errno().into()) }
    }
}
