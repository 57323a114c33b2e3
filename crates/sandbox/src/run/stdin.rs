//! The standard input of a program.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

/// Writes to the standard input of a running program; the program reads the end when this is dropped.
///
/// A program that does not read is waited for by whoever writes, and by nobody else: its clocks are those of
/// [`super::Running`].
#[derive(Debug)]
pub struct Stdin {
    pipe: pipe::Sender,
}

impl Stdin {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        Self { pipe }
    }

    /// Writes some of `bytes`; returns how many, at least one if there are any.
    ///
    /// CANCEL: if the future is dropped, nothing was written.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when nobody in the bay can read any more.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes).await
    }

    /// Writes all of `bytes`.
    ///
    /// CANCEL: if the future is dropped, any part may have been written.
    ///
    /// # Errors
    ///
    /// Like [`Self::write`].
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pipe.write_all(bytes).await
    }
}
