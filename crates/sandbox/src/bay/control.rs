//! Pid 1's end of the stream to the service.

use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;

use super::job;
use super::job::Job;
use super::job::ParkedJob;
use super::job::Runtime;
use crate::stream;
use crate::wire::BayMessage;
use crate::wire::ServiceMessage;
use crate::wire::decode;

/// The stream on which runtime and job come, and messages later.
pub(super) struct Control(UnixStream);

impl Control {
    /// Takes a copy of the fd, which is not the caller's to close.
    pub(super) fn new(stream: &OwnedFd) -> Result<Self, Errno> {
        Ok(Self(rustix::io::fcntl_dupfd_cloexec(stream, 3)?.into()))
    }

    /// Waits for the runtime, and for the job that may come with it.
    pub(super) fn read_first(&self) -> io::Result<(Runtime, Option<Job>)> {
        job::read_first(&self.0)
    }

    /// Waits for the job of a parked bay.
    pub(super) fn read_parked(&self) -> io::Result<ParkedJob> {
        job::read_parked(&self.0)
    }

    /// Says something, without waiting: all that a service is ever told fits into the socket.
    pub(super) fn tell(&self, message: BayMessage, fd: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        // So few bytes go through at once, or not at all.
        stream::send(&self.0, &message.encode(), fd).map(|_| ())
    }

    /// Reads what the service says while the program runs; fails when the service has closed the stream.
    pub(super) fn hear(&self) -> io::Result<ServiceMessage> {
        let mut bytes = [0; ServiceMessage::BYTES];
        (&self.0).read_exact(&mut bytes)?;
        decode(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
