//! The service's end of the stream to pid 1 of a bay.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use tokio::io::AsyncWriteExt;
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
    stream: UnixStream,
    bytes: [u8; BayMessage::BYTES],
    count: usize,
    fd: Option<OwnedFd>,
}

impl Control {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, bytes: [0; BayMessage::BYTES], count: 0, fd: None }
    }

    /// Sends a frame, and what is to be unpacked with its first byte.
    pub(crate) async fn hand_over(&mut self, frame: &[u8], unpack: Option<&Artefact>) -> io::Result<()> {
        let sent = match unpack {
            None => 0,
            Some(artefact) => {
                let send = || Ok(stream::send(&self.stream, frame, Some(artefact.as_fd()))?);
                self.stream.async_io(Interest::WRITABLE, send).await?
            }
        };
        self.stream.write_all(&frame[sent..]).await
    }

    /// Says something without waiting; fails with `WouldBlock` if pid 1 has left too much unheard.
    pub(crate) fn say(&self, message: ServiceMessage) -> io::Result<()> {
        // So few bytes go through at once, or not at all.
        stream::send(&self.stream, &message.encode(), None)?;
        Ok(())
    }

    /// Waits for the next message.
    ///
    /// CANCEL: what was received is kept for the next call.
    pub(crate) async fn hear(&mut self) -> io::Result<Heard> {
        while self.count < self.bytes.len() {
            let room = &mut self.bytes[self.count..];
            let receive = || Ok(stream::receive(&self.stream, room)?);
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
