//! The channel between a running program and its watcher.
//!
//! Output waits for nobody: what exceeds the room for a slow watcher is dropped, and the watcher learns how much. Input
//! waits: its sender is held until the program reads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::ProgramSignal;
use runbay_model::TestResult;
use runbay_model::WindowSize;
use runbay_sandbox::Chunk;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::timeout_at;

/// The most bytes of output that wait for a watcher: all that a program may write by default.
const OUTPUT_BYTES: usize = 2 * 1024 * 1024;

/// The most pieces of output that wait for a watcher.
const OUTPUT_PIECES: usize = 1024;

/// The most bytes of a piece that further output of the same stream is added to.
const PIECE_BYTES: usize = 16 * 1024;

/// How many bytes end a rest.
const BYTES_WORTH_WAKING: usize = 64 * 1024;

/// The most bytes of input in one piece.
const INPUT_BYTES: usize = 16 * 1024;

/// The most pieces of input that wait for a program, each of at most [`INPUT_BYTES`].
const INPUT_PIECES: usize = 8;

/// The most signals and sizes that wait for a program.
const CONTROLS: usize = 16;

/// Makes a channel between a run and its watcher.
#[must_use]
pub fn live() -> (LiveRun, LiveClient) {
    let queue = Arc::new(Queue::default());
    let (sender, receiver) = mpsc::channel(INPUT_PIECES);
    let (controls, asked) = mpsc::channel(CONTROLS);
    let run = LiveRun {
        output: OutputSender(Arc::clone(&queue)),
        input: InputReceiver(receiver),
        controls: ControlReceiver(asked),
    };
    (run, LiveClient { output: OutputReceiver(queue), input: InputSender(sender), controls: ControlSender(controls) })
}

/// The run's end of the channel.
#[derive(Debug)]
pub struct LiveRun {
    pub(crate) output: OutputSender,
    pub(crate) input: InputReceiver,
    pub(crate) controls: ControlReceiver,
}

/// The watcher's end of the channel.
#[derive(Debug)]
pub struct LiveClient {
    /// The output of the program.
    pub output: OutputReceiver,
    /// Input for the program after that of its request.
    pub input: InputSender,
    /// Signals, and the size of the terminal.
    pub controls: ControlSender,
}

/// A piece of output as a watcher gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveOutput {
    /// The next output of one stream, as much of it as came since the last one.
    Chunk(Chunk),
    /// The result of a test case. Its output is in there.
    Test {
        /// The place of the case in the request, counted from 0.
        index: usize,
        /// What came of it.
        result: Arc<TestResult>,
    },
    /// A number of bytes of both streams that were dropped here for lack of room.
    Gap {
        /// The number of dropped bytes.
        bytes: u64,
    },
}

/// Receives output.
#[derive(Debug)]
pub struct OutputReceiver(Arc<Queue>);

/// Sends input. Dropping it ends the input of the program.
#[derive(Debug)]
pub struct InputSender(mpsc::Sender<Vec<u8>>);

/// Sends signals to a program, and the size of its terminal.
#[derive(Debug)]
pub struct ControlSender(mpsc::Sender<LiveControl>);

/// What is asked of a program beside its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveControl {
    /// A signal.
    Signal(ProgramSignal),
    /// The size of its terminal.
    Resize(WindowSize),
}

/// Why something was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The program has much unread input. There may be room later.
    #[error("the program has not read what was sent before")]
    Full,
    /// The program ended, or stopped reading its input.
    #[error("the program takes no more input")]
    Closed,
}

/// The program ended, or stopped reading its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the program takes no more input")]
pub struct InputClosed;

/// Sends output.
#[derive(Debug)]
pub(crate) struct OutputSender(Arc<Queue>);

/// Receives what is asked of the program.
#[derive(Debug)]
pub(crate) struct ControlReceiver(mpsc::Receiver<LiveControl>);

/// Receives input.
#[derive(Debug)]
pub(crate) struct InputReceiver(mpsc::Receiver<Vec<u8>>);

/// Output that waits for the watcher.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// At most one gap stands between two chunks.
    output: VecDeque<LiveOutput>,
    bytes: usize,
    /// Whether one of the ends was dropped.
    is_closed: bool,
}

impl OutputReceiver {
    /// Waits for the next output. Returns none after the last output of a program that ended.
    ///
    /// CANCEL: nothing is lost.
    pub async fn next(&mut self) -> Option<LiveOutput> {
        loop {
            {
                let mut waiting = self.0.waiting();
                if let Some(next) = waiting.pop() {
                    return Some(next);
                }
                if waiting.is_closed {
                    return None;
                }
            }
            self.0.changed.notified().await;
        }
    }

    /// Lets output gather: waits until this time, or until there is much of it or the program has ended.
    ///
    /// CANCEL: nothing is lost.
    pub async fn rest(&mut self, until: Instant) {
        let enough = async {
            loop {
                {
                    let waiting = self.0.waiting();
                    if waiting.is_closed || waiting.bytes >= BYTES_WORTH_WAKING {
                        return;
                    }
                }
                self.0.changed.notified().await;
            }
        };
        drop(timeout_at(until, enough).await);
    }
}

impl Drop for OutputReceiver {
    fn drop(&mut self) {
        *self.0.waiting() = Waiting { is_closed: true, ..Waiting::default() };
    }
}

impl OutputSender {
    /// Copies a chunk into the channel if there is room and a watcher.
    pub(crate) fn push(&self, chunk: &Chunk) {
        self.0.waiting().push(chunk);
        self.0.changed.notify_one();
    }

    /// Puts the result of a test case into the channel if there is room and a watcher.
    pub(crate) fn push_test(&self, index: usize, result: &TestResult) {
        self.0.waiting().push_test(index, result);
        self.0.changed.notify_one();
    }
}

impl Drop for OutputSender {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl InputSender {
    /// Sends input. Waits while the program has much unread input.
    ///
    /// CANCEL: if the future is dropped, part of the input may have been sent.
    ///
    /// # Errors
    ///
    /// [`InputClosed`] when the program will never read it.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), InputClosed> {
        for piece in bytes.chunks(INPUT_BYTES) {
            self.0.send(piece.to_vec()).await.map_err(|_| InputClosed)?;
        }
        Ok(())
    }

    /// Sends one piece of input, or nothing of it. Does not wait.
    ///
    /// # Errors
    ///
    /// [`NotSent`] says whether there may be room later.
    pub fn try_send(&self, piece: &[u8]) -> Result<(), NotSent> {
        self.0.try_send(piece.to_vec()).map_err(NotSent::from)
    }
}

impl ControlSender {
    /// Sends something. Does not wait.
    ///
    /// # Errors
    ///
    /// [`NotSent`] says whether there may be room later.
    pub fn try_send(&self, control: LiveControl) -> Result<(), NotSent> {
        self.0.try_send(control).map_err(NotSent::from)
    }
}

impl<T> From<mpsc::error::TrySendError<T>> for NotSent {
    fn from(error: mpsc::error::TrySendError<T>) -> Self {
        match error {
            mpsc::error::TrySendError::Full(_) => Self::Full,
            mpsc::error::TrySendError::Closed(_) => Self::Closed,
        }
    }
}

impl ControlReceiver {
    /// Waits for the next thing that is asked. Returns none after the last one of a sender that was dropped.
    pub(crate) async fn receive(&mut self) -> Option<LiveControl> {
        self.0.recv().await
    }
}

impl InputReceiver {
    /// Waits for the next piece. Returns none after the last piece of a sender that was dropped.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        self.0.recv().await
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No holder of the lock can leave the queue half-changed, so poisoning is ignored.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, chunk: &Chunk) {
        if self.is_closed {
            return;
        }
        let length = chunk.bytes.len();
        if self.bytes + length <= OUTPUT_BYTES {
            if let Some(LiveOutput::Chunk(last)) = self.output.back_mut()
                && last.stream == chunk.stream
                && last.bytes.len() + length <= PIECE_BYTES
            {
                self.bytes += length;
                last.bytes.extend_from_slice(&chunk.bytes);
                return;
            }
            if self.output.len() < OUTPUT_PIECES {
                self.bytes += length;
                self.output.push_back(LiveOutput::Chunk(chunk.clone()));
                return;
            }
        }
        self.leave_out(length);
    }

    fn push_test(&mut self, index: usize, result: &TestResult) {
        let length = result.text_bytes();
        if self.is_closed {
            return;
        }
        if self.bytes + length > OUTPUT_BYTES || self.output.len() >= OUTPUT_PIECES {
            self.leave_out(length);
            return;
        }
        self.bytes += length;
        self.output.push_back(LiveOutput::Test { index, result: Arc::new(result.clone()) });
    }

    /// Notes that this many bytes were dropped.
    fn leave_out(&mut self, dropped: usize) {
        let dropped = dropped as u64;
        match self.output.back_mut() {
            Some(LiveOutput::Gap { bytes }) => *bytes = bytes.saturating_add(dropped),
            _ => self.output.push_back(LiveOutput::Gap { bytes: dropped }),
        }
    }

    fn pop(&mut self) -> Option<LiveOutput> {
        let next = self.output.pop_front()?;
        self.bytes -= match &next {
            LiveOutput::Chunk(chunk) => chunk.bytes.len(),
            LiveOutput::Test { result, .. } => result.text_bytes(),
            LiveOutput::Gap { .. } => 0,
        };
        Some(next)
    }
}

#[cfg(test)]
mod tests;
