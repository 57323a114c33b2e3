//! Collecting one output stream up to its limit.

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// One pipe and what came out of it.
pub(super) struct Capture {
    pipe: pipe::Receiver,
    bytes: Vec<u8>,
    /// One more than may be kept: the byte that tells that there was more.
    capacity: usize,
}

impl Capture {
    pub(super) fn new(pipe: pipe::Receiver, limit: usize) -> Self {
        Self { pipe, bytes: Vec::new(), capacity: limit.saturating_add(1) }
    }

    /// Reads until there is more than the limit; never returns if there is not.
    ///
    /// CANCEL: what was read is kept.
    pub(super) async fn overflow(&mut self) {
        self.drain().await;
        if self.bytes.len() < self.capacity {
            std::future::pending::<()>().await;
        }
    }

    /// Reads until the end or the limit.
    ///
    /// CANCEL: what was read is kept.
    pub(super) async fn drain(&mut self) {
        while self.bytes.len() < self.capacity {
            let mut room = (&mut self.pipe).take(u64::try_from(self.capacity - self.bytes.len()).unwrap_or(u64::MAX));
            match room.read_buf(&mut self.bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;

    use super::*;

    fn capture(limit: usize) -> (std::io::PipeWriter, Capture) {
        let (reader, writer) = std::io::pipe().unwrap();
        (writer, Capture::new(pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).unwrap(), limit))
    }

    #[tokio::test]
    async fn keeps_one_byte_more_than_the_limit() {
        let (mut writer, mut capture) = capture(4);
        writer.write_all(b"123456").unwrap();
        capture.overflow().await;
        assert_eq!(capture.into_bytes(), b"12345");
    }

    #[tokio::test]
    async fn output_that_fits_is_no_overflow() {
        let (mut writer, mut capture) = capture(6);
        writer.write_all(b"123456").unwrap();
        drop(writer);
        tokio::select! {
            () = capture.overflow() => panic!("six bytes fit"),
            () = tokio::task::yield_now() => {}
        }
        capture.drain().await;
        assert_eq!(capture.into_bytes(), b"123456");
    }
}
