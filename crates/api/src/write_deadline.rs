//! A deadline for clients that do not take their answers.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Instant;
use tokio::time::Sleep;
use tokio::time::sleep;

/// The time that a client has for an answer; each [`BYTES_PER_SECOND`] that it takes adds a second.
const TIME: Duration = Duration::from_secs(60);

/// The slowest rate at which a client may go on taking an answer.
///
/// The kernel lets a writer go on once a third of its buffer of at most 4 MiB is free; [`TIME`] at this rate is more.
const BYTES_PER_SECOND: usize = 32 * 1024;

/// The stream of one connection, whose writes fail once the client has taken too little for too long.
pub(crate) struct WriteDeadline<S> {
    inner: S,
    /// The wait for the client, while there is something to write.
    wait: Option<Wait>,
}

/// The wait for a client that did not take all at once.
struct Wait {
    since: Instant,
    taken: usize,
    end: Pin<Box<Sleep>>,
}

impl Wait {
    fn begin() -> Self {
        Self { since: Instant::now(), taken: 0, end: Box::pin(sleep(TIME)) }
    }

    fn deadline(&self) -> Instant {
        let seconds = u64::try_from(self.taken / BYTES_PER_SECOND).unwrap_or(u64::MAX);
        self.since + TIME.saturating_add(Duration::from_secs(seconds))
    }
}

impl<S> WriteDeadline<S> {
    /// Puts the deadline on a stream.
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner, wait: None }
    }

    /// Notes the result of a write, and turns a write that has waited for too long into an error.
    fn note(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                let wait = self.wait.get_or_insert_with(Wait::begin);
                let deadline = wait.deadline();
                wait.end.as_mut().reset(deadline);
                ready!(wait.end.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Ready(Ok(count)) => {
                if let Some(wait) = &mut self.wait {
                    wait.taken = wait.taken.saturating_add(count);
                }
                written
            }
            Poll::Ready(Err(_)) => written,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.note(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.note(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Ends the wait: a flush comes when all was written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait = None;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_left() {
        let (ours, _client) = duplex(1024);
        let began = Instant::now();
        let error = WriteDeadline::new(ours).write_all(&[0; 2048]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, TIME));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_byte_now_and_then_is_left() {
        let (ours, mut client) = duplex(1024);
        let _reader = tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                client.read_u8().await.unwrap();
            }
        });
        WriteDeadline::new(ours).write_all(&[0; 1024 * 1024]).await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all() {
        // The kernel frees its buffer in large pieces, too.
        let piece = BYTES_PER_SECOND * 40;
        let (ours, mut client) = duplex(piece);
        let _reader = tokio::spawn(async move {
            let mut piece = vec![0; piece];
            loop {
                sleep(Duration::from_secs(40)).await;
                client.read_exact(&mut piece).await.unwrap();
            }
        });
        let mut stream = WriteDeadline::new(ours);
        let answer = vec![0; piece * 20];
        for _ in 0..3 {
            stream.write_all(&answer).await.unwrap();
            stream.flush().await.unwrap();
            // The time between two answers must not count.
            sleep(TIME * 2).await;
        }
    }
}
