//! The output of a program, up to its limits.

use std::mem;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::Instant;
use tokio::time::sleep_until;

use super::clock::Clocks;

/// The most bytes of one chunk; together with what two pipes hold, all that is ever kept of unread output.
const CHUNK_BYTES: usize = 32 * 1024;

/// How long a stream rests after a read that found less than a chunk.
///
/// Each read, and to be told of each write, is work of the service, which counts for no bay: a program that writes single
/// bytes must not cause it for each of them. Timers are a millisecond late at most, so nobody who watches waits for two.
const REST: Duration = Duration::from_millis(1);

/// A stream that a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Some bytes that a program wrote to one of its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The stream.
    pub stream: OutputStream,
    /// At least one byte, at most 32 KiB.
    pub bytes: Vec<u8>,
}

/// Both output streams of a program.
pub(super) struct Output {
    stdout: Capture,
    stderr: Capture,
}

impl Output {
    pub(super) fn new(stdout: pipe::Receiver, stderr: pipe::Receiver, clocks: &Clocks) -> Self {
        Self {
            stdout: Capture::new(Pipe::Open(stdout), clocks.stdout_bytes),
            stderr: Capture::new(Pipe::Open(stderr), clocks.stderr_bytes),
        }
    }

    /// Takes all that is written to a terminal for standard output.
    pub(super) fn of_terminal(terminal: pipe::Receiver, clocks: &Clocks) -> Self {
        Self { stderr: Capture::new(Pipe::Closed, 0), stdout: Capture::new(Pipe::Open(terminal), clocks.stdout_bytes) }
    }

    /// Waits for the next chunk in the order of arrival; none when both streams are at their end or over their limit.
    ///
    /// CANCEL: nothing is lost.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        tokio::select! {
            Some(bytes) = self.stdout.next() => Some(Chunk { stream: OutputStream::Stdout, bytes }),
            Some(bytes) = self.stderr.next() => Some(Chunk { stream: OutputStream::Stderr, bytes }),
            else => None,
        }
    }

    /// Returns whether more came than one of the limits allows.
    pub(super) fn is_over_limit(&self) -> bool {
        self.stdout.left == 0 || self.stderr.left == 0
    }

    /// Ends the rests before the next read.
    pub(super) fn hurry(&mut self) {
        for capture in [&mut self.stdout, &mut self.stderr] {
            if let Pipe::Resting { until, .. } = &mut capture.pipe {
                *until = Instant::now();
            }
        }
    }

    /// Stops reading.
    pub(super) fn close(&mut self) {
        self.stdout.pipe = Pipe::Closed;
        self.stderr.pipe = Pipe::Closed;
    }
}

/// One pipe or terminal, and how much of it is read.
struct Capture {
    pipe: Pipe,
    /// One more than the limit at first: the last byte tells that there was more.
    left: usize,
}

enum Pipe {
    Open(pipe::Receiver),
    /// See [`REST`]. Nobody is told what is written meanwhile: that alone would be work for each write.
    Resting {
        pipe: OwnedFd,
        until: Instant,
    },
    Closed,
}

impl Capture {
    fn new(pipe: Pipe, limit: usize) -> Self {
        Self { pipe, left: limit.saturating_add(1) }
    }

    /// Waits for some bytes; none at the end, or after one more than the limit.
    ///
    /// CANCEL: nothing is lost.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.left == 0 {
            return None;
        }
        let most = self.left.min(CHUNK_BYTES);
        let mut bytes = Vec::with_capacity(most);
        let read = loop {
            match &mut self.pipe {
                Pipe::Closed => return None,
                Pipe::Open(pipe) => {
                    break pipe.take(u64::try_from(most).unwrap_or(u64::MAX)).read_buf(&mut bytes).await.ok();
                }
                Pipe::Resting { pipe, until } => {
                    // A timer takes a while, even for a time that has passed.
                    if Instant::now() < *until {
                        sleep_until(*until).await;
                    }
                    let room = spare_capacity(&mut bytes);
                    match rustix::io::read(pipe, room) {
                        Err(Errno::AGAIN) => self.listen(),
                        Err(Errno::INTR) => {}
                        result => break result.ok(),
                    }
                }
            }
        };
        let Some(count @ 1..) = read else {
            self.pipe = Pipe::Closed;
            return None;
        };
        self.left -= count;
        self.rest(if count < most { REST } else { Duration::ZERO });
        // Whoever keeps it keeps no more than there is.
        bytes.shrink_to_fit();
        Some(bytes)
    }

    /// Goes on after that time.
    fn rest(&mut self, time: Duration) {
        let pipe = match mem::replace(&mut self.pipe, Pipe::Closed) {
            Pipe::Open(pipe) if time.is_zero() => return self.pipe = Pipe::Open(pipe),
            Pipe::Open(pipe) => pipe.into_nonblocking_fd().ok(),
            Pipe::Resting { pipe, .. } => Some(pipe),
            Pipe::Closed => None,
        };
        if let Some(pipe) = pipe {
            self.pipe = Pipe::Resting { pipe, until: Instant::now() + time };
        }
    }

    /// Asks to be told of what is written. Where the kernel refuses that, as it bounds how much each user may watch, the
    /// rest goes on.
    fn listen(&mut self) {
        let Pipe::Resting { pipe, until } = &mut self.pipe else { return };
        match pipe.try_clone().and_then(pipe::Receiver::from_owned_fd_unchecked) {
            Ok(pipe) => self.pipe = Pipe::Open(pipe),
            Err(_) => *until = Instant::now() + REST,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::PipeWriter;
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    fn pipe() -> (PipeWriter, pipe::Receiver) {
        let (reader, writer) = std::io::pipe().unwrap();
        (writer, pipe::Receiver::from_owned_fd(OwnedFd::from(reader)).unwrap())
    }

    /// Output with these limits, and the program's ends.
    fn output(stdout_bytes: usize, stderr_bytes: usize) -> (PipeWriter, PipeWriter, Output) {
        let ((stdout, out), (stderr, err)) = (pipe(), pipe());
        let time = Duration::from_secs(1);
        let clocks = Clocks { wall: time, cpu: time, idle: None, stdout_bytes, stderr_bytes };
        (stdout, stderr, Output::new(out, err, &clocks))
    }

    async fn all(output: &mut Output) -> (Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(chunk) = output.next().await {
            match chunk.stream {
                OutputStream::Stdout => stdout.extend(chunk.bytes),
                OutputStream::Stderr => stderr.extend(chunk.bytes),
            }
        }
        (stdout, stderr)
    }

    #[tokio::test]
    async fn one_byte_more_than_the_limit_is_read() {
        let (mut stdout, stderr, mut output) = output(4, 4);
        stdout.write_all(b"123456").unwrap();
        drop(stderr);
        assert_eq!(all(&mut output).await, (b"12345".to_vec(), Vec::new()));
        assert!(output.is_over_limit());
    }

    #[tokio::test]
    async fn output_that_fits_is_read_to_its_end() {
        let (mut stdout, mut stderr, mut output) = output(6, 1);
        stdout.write_all(b"123456").unwrap();
        stderr.write_all(b"e").unwrap();
        drop((stdout, stderr));
        assert_eq!(all(&mut output).await, (b"123456".to_vec(), b"e".to_vec()));
        assert!(!output.is_over_limit());
    }

    #[tokio::test]
    async fn a_stream_that_is_closed_early_does_not_end_the_other() {
        let (stdout, mut stderr, mut output) = output(6, 6);
        drop(stdout);
        tokio::select! {
            chunk = output.next() => panic!("{chunk:?}"),
            () = tokio::task::yield_now() => {}
        }
        stderr.write_all(b"late").unwrap();
        let expected = Chunk { stream: OutputStream::Stderr, bytes: b"late".to_vec() };
        assert_eq!(output.next().await, Some(expected));
    }
    #[tokio::test(start_paused = true)]
    async fn single_bytes_are_read_together() {
        let (mut stdout, _stderr, mut output) = output(100, 1);
        stdout.write_all(b"a").unwrap();
        let begun = Instant::now();
        assert_eq!(output.next().await.unwrap().bytes, b"a");
        assert_eq!(begun.elapsed(), Duration::ZERO, "the first chunk waits for nothing");
        stdout.write_all(b"b").unwrap();
        tokio::select! {
            biased;
            chunk = output.next() => panic!("{chunk:?}"),
            () = tokio::task::yield_now() => {}
        }
        stdout.write_all(b"c").unwrap();
        assert_eq!(output.next().await.unwrap().bytes, b"bc");
        assert!(begun.elapsed() <= 2 * REST, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_chunk_is_followed_by_no_rest() {
        let (mut stdout, _stderr, mut output) = output(100_000, 1);
        stdout.write_all(&[b'x'; CHUNK_BYTES + 1]).unwrap();
        let begun = Instant::now();
        let lengths = [output.next().await.unwrap().bytes.len(), output.next().await.unwrap().bytes.len()];
        assert_eq!((lengths, begun.elapsed()), ([CHUNK_BYTES, 1], Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn who_hurries_waits_for_no_rest() {
        let (mut stdout, stderr, mut output) = output(100, 1);
        stdout.write_all(b"a").unwrap();
        assert_eq!(output.next().await.unwrap().bytes, b"a");
        stdout.write_all(b"b").unwrap();
        drop((stdout, stderr));
        let begun = Instant::now();
        output.hurry();
        assert_eq!(output.next().await.unwrap().bytes, b"b");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
