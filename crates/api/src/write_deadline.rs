//! Clients that take nothing of their answers.

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

/// A client has this long for an answer, and more for what it takes of it meanwhile; then its connection ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much has to be taken for each further second. In [`PATIENCE`] that is more than the third of its largest buffer,
/// 4 MiB, which the kernel wants to be free before a writer goes on.
const LEAST_BYTES_A_SECOND: usize = 32 * 1024;

/// The stream of one connection, which is not patient for ever.
pub(crate) struct WriteDeadline<S> {
    inner: S,
    /// None while nothing waits to be written.
    wait: Option<Wait>,
}

/// The wait for a client, since it did not take all at once.
struct Wait {
    since: Instant,
    taken: usize,
    end: Pin<Box<Sleep>>,
}

impl Wait {
    fn begin() -> Self {
        Self { since: Instant::now(), taken: 0, end: Box::pin(sleep(PATIENCE)) }
    }

    fn deadline(&self) -> Instant {
        let seconds = u64::try_from(self.taken / LEAST_BYTES_A_SECOND).unwrap_or(u64::MAX);
        self.since + PATIENCE.saturating_add(Duration::from_secs(seconds))
    }
}

impl<S> WriteDeadline<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner, wait: None }
    }

    /// Takes note of what a write came to, and turns one that waits for too long into an error.
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

    /// Whoever flushes has written all that there was.
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
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
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
        // In pieces, as the kernel does it.
        let piece = LEAST_BYTES_A_SECOND * 40;
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
            // The time between two answers does not count.
            sleep(PATIENCE * 2).await;
        }
    }
}
