//! Packet sockets for async code.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::net::Shutdown;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::packet;
use crate::packet::Packet;

/// A packet socket that never blocks the thread.
pub(super) struct PacketSocket(AsyncFd<OwnedFd>);

impl PacketSocket {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        // SAFETY: the `AsyncFd` owns the `OwnedFd`, which stays open and the same until both are dropped.
        let socket = unsafe { AsyncFd::register(socket) }.map_err(io::Error::from)?;
        Ok(Self(socket))
    }

    /// Receives a packet; none when the other end is closed.
    ///
    /// CANCEL: no packet is lost.
    pub(super) async fn receive(&self) -> io::Result<Option<Packet>> {
        self.0.async_io(Interest::READABLE, |socket| Ok(packet::receive(socket)?)).await
    }

    /// Ends the connection for both sides.
    pub(super) fn close(&self) {
        // It can only fail because the other side is gone already.
        _ = rustix::net::shutdown(self.0.get_ref(), Shutdown::Both);
    }

    /// Sends a packet without fds.
    ///
    /// CANCEL: the packet is sent or not.
    pub(super) async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        const NO_FDS: &[BorrowedFd<'_>] = &[];
        self.0.async_io(Interest::WRITABLE, |socket| Ok(packet::send(socket.as_fd(), bytes, NO_FDS)?)).await
    }
}
