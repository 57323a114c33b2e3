//! Bytes with an fd over STREAM sockets (unix(7)).
//!
//! The fd travels with the first byte that is sent with it, and comes out with that byte; a read never reaches past
//! bytes that carry one.

use std::io::IoSlice;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::ReturnFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;

/// Sends some of `bytes`, and `fd` with the first of them; returns how many.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> Result<usize, Errno> {
    let fds: Vec<_> = fd.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)
}

/// Receives some bytes, none at the end of the stream, and the fd that came with them.
///
/// Fails with `MFILE` if an fd was sent and could not be received, and with `PROTO` if there were several.
pub(crate) fn receive(socket: impl AsFd, bytes: &mut [u8]) -> Result<(usize, Option<OwnedFd>), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(Errno::MFILE);
    }
    let fd = fds.pop();
    if fds.is_empty() { Ok((received.bytes, fd)) } else { Err(Errno::PROTO) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use rustix::io::fcntl_getfd;

    use super::*;

    #[test]
    fn an_fd_comes_with_its_first_byte_and_ends_the_read_before_other_bytes() {
        let (left, right) = UnixStream::pair().unwrap();
        let (reader, _writer) = std::io::pipe().unwrap();
        send(&left, b"ab", None).unwrap();
        send(&left, b"cdef", Some(reader.as_fd())).unwrap();
        send(&left, b"gh", None).unwrap();
        let read = |length: usize| {
            let mut bytes = vec![0; length];
            let (count, fd) = receive(&right, &mut bytes).unwrap();
            bytes.truncate(count);
            (bytes, fd.is_some())
        };
        assert_eq!(read(2), (b"ab".to_vec(), false));
        assert_eq!(read(1), (b"c".to_vec(), true));
        assert_eq!(read(9), (b"defgh".to_vec(), false), "what follows carries none");
        drop(left);
        assert_eq!(read(9), (b"".to_vec(), false));
    }

    #[test]
    fn more_fds_than_one_are_refused_and_closed() {
        let (left, right) = UnixStream::pair().unwrap();
        for count in 2..4 {
            let pipes: Vec<_> = (0..count).map(|_| std::io::pipe().unwrap()).collect();
            let fds: Vec<_> = pipes.iter().map(|(_, writer)| writer.as_fd()).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&fds)));
            rustix::net::sendmsg(&left, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
            assert!(matches!(receive(&right, &mut [0]), Err(Errno::MFILE | Errno::PROTO)), "{count} fds");
            for (mut reader, writer) in pipes {
                drop(writer);
                // The end comes only when no copy of the other end is left.
                assert_eq!(std::io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
            }
        }
    }

    #[test]
    fn received_fds_are_closed_on_exec() {
        let (left, right) = UnixStream::pair().unwrap();
        send(&left, b"x", Some(left.as_fd())).unwrap();
        let (_, fd) = receive(&right, &mut [0]).unwrap();
        let fd = fd.unwrap();
        assert!(fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        assert_ne!(fd.as_raw_fd(), left.as_raw_fd());
    }
}
