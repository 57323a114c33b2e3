//! What a program wrote, as this command passes it on.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::io::stderr;
use tokio::io::stdout;

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Stdout,
    Stderr,
}

/// Writes output exactly once, although it may come again from its beginning.
#[derive(Debug, Default)]
pub(super) struct Screen {
    stdout: Progress,
    stderr: Progress,
    /// Whether the terminal needs a carriage return at the end of a line.
    pub(super) is_raw: bool,
}

/// How much of one stream is written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    written: usize,
    /// How much came since it last began; less than is written while it comes again.
    arrived: usize,
}

impl Screen {
    /// Writes the next output of the program as far as it is new.
    pub(super) async fn show(&mut self, side: Side, output: &[u8]) -> io::Result<()> {
        let progress = match side {
            Side::Stdout => &mut self.stdout,
            Side::Stderr => &mut self.stderr,
        };
        let new = progress.take(output);
        self.write(side, new).await
    }

    /// Writes what of the whole output is not written yet.
    pub(super) async fn rest(&mut self, stdout: &[u8], stderr: &[u8]) -> io::Result<()> {
        self.begin_again();
        self.show(Side::Stdout, stdout).await?;
        self.show(Side::Stderr, stderr).await
    }

    /// Notes that the same output comes once more from its beginning.
    pub(super) fn begin_again(&mut self) {
        self.stdout.arrived = 0;
        self.stderr.arrived = 0;
    }

    /// Notes that other output comes in place of that so far. Returns whether any was written, which stays.
    pub(super) fn begin_anew(&mut self) -> bool {
        let has_written = self.stdout.written > 0 || self.stderr.written > 0;
        (self.stdout, self.stderr) = (Progress::default(), Progress::default());
        has_written
    }

    /// Writes what does not come from the program.
    pub(super) async fn write(&self, side: Side, bytes: &[u8]) -> io::Result<()> {
        // Flushed, since the writer of tokio is done before its bytes are.
        match side {
            Side::Stdout => {
                let mut stdout = stdout();
                stdout.write_all(bytes).await?;
                stdout.flush().await
            }
            Side::Stderr => {
                let mut stderr = stderr();
                stderr.write_all(bytes).await?;
                stderr.flush().await
            }
        }
    }

    /// Writes a line of this command to standard error.
    pub(super) async fn say(&self, line: &str) -> io::Result<()> {
        let end = if self.is_raw { "\r\n" } else { "\n" };
        self.write(Side::Stderr, format!("runbay: {line}{end}").as_bytes()).await
    }
}

impl Progress {
    /// Returns the part of the next output that is not written yet.
    fn take<'a>(&mut self, output: &'a [u8]) -> &'a [u8] {
        let known = self.written.saturating_sub(self.arrived).min(output.len());
        self.arrived += output.len();
        self.written = self.written.max(self.arrived);
        &output[known..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_comes_again_is_new_where_it_goes_on() {
        let mut progress = Progress::default();
        assert_eq!(progress.take(b"abc"), b"abc");
        assert_eq!(progress.take(b"d"), b"d");
        progress.arrived = 0;
        assert_eq!(progress.take(b"ab"), b"");
        assert_eq!(progress.take(b"cdef"), b"ef");
        assert_eq!(progress.take(b"g"), b"g");
        assert_eq!(progress, Progress { written: 7, arrived: 7 });
    }

    #[tokio::test]
    async fn only_what_was_written_cannot_be_taken_back() {
        let mut screen = Screen::default();
        assert!(!screen.begin_anew());
        screen.show(Side::Stderr, b"x").await.unwrap();
        assert!(screen.begin_anew());
        assert!(!screen.begin_anew());
    }
}
