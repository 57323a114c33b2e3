//! The service's end of the stream to pid 1 of a bay.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::Weak;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::artefact::Artefact;
use crate::stream;
use crate::wire::BayMessage;
use crate::wire::ServiceMessage;
use crate::wire::decode;

/// What pid 1 says, with the fd that may come with it.
type Heard = (BayMessage, Option<OwnedFd>);

/// The stream, and the part of the next message that has come.
#[derive(Debug)]
pub(crate) struct Control {
    stream: Arc<UnixStream>,
    bytes: [u8; BayMessage::BYTES],
    count: usize,
    fd: Option<OwnedFd>,
}

impl Control {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream: Arc::new(stream), bytes: [0; BayMessage::BYTES], count: 0, fd: None }
    }

    /// Sends a frame, and what is to be unpacked with its first byte.
    pub(crate) async fn hand_over(&mut self, frame: &[u8], unpack: Option<&Artefact>) -> io::Result<()> {
        let (mut rest, mut fd) = (frame, unpack.map(AsFd::as_fd));
        while !rest.is_empty() {
            let send = || Ok(stream::send(&*self.stream, rest, fd)?);
            let count = self.stream.async_io(Interest::WRITABLE, send).await?;
            rest = &rest[count..];
            fd = None;
        }
        Ok(())
    }

    /// Returns what can say something while this is busy or gone.
    pub(crate) fn speaker(&self) -> Speaker {
        Speaker(Arc::downgrade(&self.stream))
    }

    /// Waits for the next message.
    ///
    /// CANCEL: what was received is kept for the next call.
    pub(crate) async fn hear(&mut self) -> io::Result<Heard> {
        while self.count < self.bytes.len() {
            let room = &mut self.bytes[self.count..];
            let receive = || Ok(stream::receive(&*self.stream, room)?);
            let (count, fd) = self.stream.async_io(Interest::READABLE, receive).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.count += count;
            self.fd = fd.or(self.fd.take());
        }
        self.count = 0;
        let message = decode(&self.bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok((message, self.fd.take()))
    }
}

/// Speaks to pid 1 as long as the [`Control`] that it comes from is there; it does not keep the stream open.
#[derive(Debug, Clone)]
pub(crate) struct Speaker(Weak<UnixStream>);

impl Speaker {
    /// Says something without waiting; fails with `WouldBlock` if pid 1 has left too much unheard.
    pub(crate) fn say(&self, message: ServiceMessage) -> io::Result<()> {
        let stream = self.0.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        // So few bytes go through at once, or not at all.
        stream::send(&*stream, &message.encode(), None)?;
        Ok(())
    }
}
