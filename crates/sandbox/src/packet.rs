//! Packets with fds over SEQPACKET sockets (unix(7)): a message arrives whole or not at all.

use std::io::IoSlice;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::ReturnFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;
use rustix::net::SocketFlags;
use rustix::net::SocketType;

/// The longest packet; the kernel's default socket buffer takes about 200 kB.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// The most fds in one packet.
const MAX_FDS: usize = 8;

/// A received packet.
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fds: Vec<OwnedFd>,
}

/// Makes a connected pair of packet sockets that are closed on exec.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// Sends one packet; fails with `AGAIN` where the socket is non-blocking and full.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    if bytes.len() > MAX_BYTES || fds.len() > MAX_FDS {
        return Err(Errno::MSGSIZE);
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).map(|_| ())
}

/// Receives one packet; none when the other end is closed.
///
/// It comes without any fds if this process has too many open files for all of them: who expects some finds none, and
/// not one too few.
pub(crate) fn receive(socket: impl AsFd) -> Result<Option<Packet>, Errno> {
    // Asks for the length first: touching a buffer for the longest packet costs a new bay more than a system call.
    let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
    let (_, length) = rustix::net::recv(&socket, &mut [0_u8; 0][..], flags)?;
    let mut bytes = vec![0; length];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    bytes.truncate(received.bytes);
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        fds.clear();
    }
    Ok(Some(Packet { bytes, fds }))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::io::Write;

    use super::*;

    #[test]
    fn a_packet_carries_bytes_and_fds() {
        let (left, right) = pair().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        send(&left, b"hello", &[writer.as_fd()]).unwrap();
        drop(writer);

        let packet = receive(&right).unwrap().unwrap();
        assert_eq!(packet.bytes, b"hello");
        let mut writer = std::fs::File::from(packet.fds.into_iter().next().unwrap());
        writer.write_all(b"through").unwrap();
        drop(writer);
        let mut text = String::new();
        std::io::BufReader::new(reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn a_closed_peer_is_an_end_not_an_error() {
        let (left, right) = pair().unwrap();
        drop(left);
        assert!(receive(&right).unwrap().is_none());
        assert_eq!(send(&right, b"x", &[]), Err(Errno::PIPE));
    }

    #[test]
    fn a_packet_comes_with_all_its_fds_or_with_none() {
        let (left, right) = pair().unwrap();
        let (_reader, writer) = std::io::pipe().unwrap();
        let fds = [writer.as_fd(); 2 * MAX_FDS];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2 * MAX_FDS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&fds)));
        rustix::net::sendmsg(&left, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
        let packet = receive(&right).unwrap().unwrap();
        assert_eq!((packet.bytes.as_slice(), packet.fds.len()), (&b"x"[..], 0));
    }

    #[test]
    fn an_oversized_packet_is_refused() {
        let (left, _right) = pair().unwrap();
        assert_eq!(send(&left, &vec![0; MAX_BYTES + 1], &[]), Err(Errno::MSGSIZE));
    }
}
