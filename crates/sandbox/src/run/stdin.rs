//! The standard input of a program.

use std::io;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::io::Errno;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::idle::Activity;
use super::typing::PIECE_BYTES;
use super::typing::turn;

/// The key that ends a person's input: Ctrl-D, see VEOF in termios(3).
const END_OF_INPUT: u8 = 4;

/// How long a terminal without room for input is left alone. The kernel does not tell of all the room that it makes there.
const RETRY: Duration = Duration::from_millis(50);

/// Writes to the standard input of a running program.
///
/// When it is closed or dropped, a program with pipes reads the end of its input. Over a terminal that is the key that
/// ends a person's input, Ctrl-D: a program that reads keys, not lines, may take it for something else, and may be fed no
/// more all the same.
///
/// All terminals of a process are fed at most 8 KiB a second together, after a burst of 32 KiB.
///
/// A program that does not read is waited for by whoever writes, and by nobody else: its clocks are those of
/// [`super::Running`].
#[derive(Debug)]
pub struct Stdin {
    pipe: pipe::Sender,
    /// None for a pipe, or when the end was written.
    line: Option<Line>,
    activity: Option<Activity>,
}

/// Where in its line the input of a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Before its first byte.
    Start,
    Middle,
}

impl Stdin {
    pub(super) fn of_pipe(pipe: pipe::Sender, activity: Option<Activity>) -> Self {
        Self { pipe, line: None, activity }
    }

    pub(super) fn of_terminal(terminal: pipe::Sender, activity: Option<Activity>) -> Self {
        Self { pipe: terminal, line: Some(Line::Start), activity }
    }

    /// Writes some of `bytes`; returns how many, at least one if there are any.
    ///
    /// CANCEL: if the future is dropped, nothing was written.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when nobody in the bay can read any more.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.line {
            None => self.pipe.write(bytes).await?,
            Some(_) => self.write_to_terminal(bytes).await?,
        };
        if let (Some(line), Some(last)) = (&mut self.line, bytes[..count].last()) {
            *line = Line::after(*last);
        }
        if let Some(activity) = &self.activity {
            activity.note();
        }
        Ok(count)
    }

    /// Writes all of `bytes`.
    ///
    /// CANCEL: if the future is dropped, any part may have been written.
    ///
    /// # Errors
    ///
    /// Like [`Self::write`].
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.write(rest).await?;
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Ends the input. Over a terminal it waits until there is room for that, which a drop does not.
    ///
    /// CANCEL: dropping the future ends the input if there is room.
    ///
    /// # Errors
    ///
    /// Like [`Self::write`].
    pub async fn close(mut self) -> io::Result<()> {
        while let Some(line) = self.line {
            self.write(&[END_OF_INPUT]).await?;
            self.line = line.after_end();
        }
        Ok(())
    }

    async fn write_to_terminal(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PIECE_BYTES)];
        turn(bytes.len()).await;
        loop {
            if self.is_hung_up()? {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            match self.pipe.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if timeout(RETRY, self.pipe.writable()).await.is_err() {
                match rustix::io::write(&self.pipe, bytes) {
                    Err(Errno::AGAIN) => {}
                    result => return Ok(result?),
                }
            }
        }
    }

    fn is_hung_up(&self) -> io::Result<bool> {
        let mut pipe = [PollFd::new(&self.pipe, PollFlags::empty())];
        rustix::event::poll(&mut pipe, Some(&Timespec::default()))?;
        Ok(pipe[0].revents().contains(PollFlags::HUP))
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        while let Some(line) = self.line {
            _ = rustix::io::write(&self.pipe, &[END_OF_INPUT]);
            self.line = line.after_end();
        }
    }
}

impl Line {
    fn after(last: u8) -> Self {
        if matches!(last, b'\n' | b'\r' | END_OF_INPUT) { Self::Start } else { Self::Middle }
    }

    /// In a line that was begun, the key passes on what there is of it. It is the end only when there is nothing.
    fn after_end(self) -> Option<Self> {
        match self {
            Self::Middle => Some(Self::Start),
            Self::Start => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_begun_is_passed_on_before_the_end() {
        assert_eq!(Line::after(b'x').after_end(), Some(Line::Start));
        for last in [b'\n', b'\r', END_OF_INPUT] {
            assert_eq!(Line::after(last).after_end(), None);
        }
    }
}
