//! The terminal of this command, while the program has one of its own.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::io::stdin;

use runbay_client::InputSender;
use rustix::termios::OptionalActions;
use rustix::termios::Termios;
use rustix::termios::isatty;
use rustix::termios::tcgetattr;
use rustix::termios::tcgetwinsize;
use rustix::termios::tcsetattr;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::Notify;

/// The most columns or rows that a server accepts.
const MOST: u16 = 1000;

/// Lets the terminal pass every key on and echo nothing, until it is dropped: the program's terminal does both.
pub(super) struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Returns none when standard input is no terminal.
    pub(super) fn begin() -> io::Result<Option<Self>> {
        if !isatty(stdin()) {
            return Ok(None);
        }
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Drain, &raw)?;
        Ok(Some(Self { before }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // There is no other way to set it right, and nobody to tell.
        _ = tcsetattr(stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Tells the program how large the terminal is: now, after each change, and whenever a program `began`, which may be too
/// early for what was told before. Does nothing without `input`.
pub(super) fn pass_sizes_on(
    input: Option<InputSender>,
    began: &Notify,
) -> io::Result<impl Future<Output = Infallible>> {
    let mut changes = signal(SignalKind::window_change())?;
    Ok(async move {
        if let Some(input) = input {
            while let Ok(size) = tcgetwinsize(stdin()) {
                // Some terminals do not know their size.
                let is_known = size.ws_col > 0 && size.ws_row > 0;
                if is_known && input.resize(size.ws_col.min(MOST), size.ws_row.min(MOST)).await.is_err() {
                    break;
                }
                tokio::select! {
                    _ = changes.recv() => {}
                    () = began.notified() => {}
                }
            }
        }
        pending().await
    })
}
