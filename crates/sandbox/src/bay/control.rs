//! Pid 1's end of the stream to the service.

use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;

use super::cpu_wait;
use super::job;
use super::job::Job;
use crate::stream;
use crate::wire::BayMessage;

/// The stream on which the job comes, and questions later.
pub(super) struct Control(UnixStream);

impl Control {
    /// Takes a copy of the fd, which is not the caller's to close.
    pub(super) fn new(stream: &OwnedFd) -> Result<Self, Errno> {
        Ok(Self(rustix::io::fcntl_dupfd_cloexec(stream, 3)?.into()))
    }

    /// Waits for the job.
    pub(super) fn read_job(&self) -> io::Result<Job> {
        job::read(&self.0)
    }

    /// Says something, without waiting: all that a service is ever told fits into the socket.
    pub(super) fn tell(&self, message: BayMessage, fd: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        // So few bytes go through at once, or not at all.
        stream::send(&self.0, &message.encode(), fd).map(|_| ())
    }

    /// Reads a question and answers it; fails when the service has closed the stream.
    pub(super) fn answer(&self) -> io::Result<()> {
        let mut question = [0];
        (&self.0).read_exact(&mut question)?;
        if question[0] != cpu_wait::QUESTION {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.tell(BayMessage::CpuWait(cpu_wait::longest_us()), None)?)
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
