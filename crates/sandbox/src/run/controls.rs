//! What can be asked of a program while somebody else waits for it.

use std::io;
use std::sync::Arc;
use std::sync::Weak;

use super::terminal::Terminal;
use crate::bay::WindowSize;
use crate::link::Control;
use crate::link::Speaker;
use crate::wire::ServiceMessage;
use crate::wire::Signal;

/// Sends signals to a program and resizes its terminal, see [`super::Running::controls`].
///
/// Clones are for the same program. It keeps neither the program nor anything of it.
#[derive(Debug, Clone)]
pub struct Controls {
    speaker: Speaker,
    terminal: Option<Weak<Terminal>>,
}

impl Controls {
    pub(super) fn new(control: &Control, terminal: Option<&Arc<Terminal>>) -> Self {
        Self { speaker: control.speaker(), terminal: terminal.map(Arc::downgrade) }
    }

    /// Sends a signal to the program's process group: what the program started and did not move to another one. Nothing
    /// happens if the program has ended. Does not wait.
    ///
    /// Over a terminal, [`Signal::Interrupt`] and [`Signal::Quit`] reach what runs in its foreground, as Ctrl-C and Ctrl-\
    /// do, whatever the program has made of these keys.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the bay has not taken earlier signals yet, `NotConnected` once nobody waits for the program any
    /// more, and others when its bay is dead.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let key = match signal {
            Signal::Interrupt => Some(libc::SIGINT),
            Signal::Quit => Some(libc::SIGQUIT),
            _ => None,
        };
        match (&self.terminal, key) {
            (Some(terminal), Some(number)) => open(terminal)?.signal(number),
            _ => self.speaker.say(ServiceMessage::Signal(signal)),
        }
    }

    /// Changes the size of the program's terminal; what runs in its foreground is told by SIGWINCH. Does not wait.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a program without a terminal, and `NotConnected` once nobody waits for it any more.
    pub fn resize(&self, size: WindowSize) -> io::Result<()> {
        open(self.terminal.as_ref().ok_or(io::ErrorKind::Unsupported)?)?.resize(size)
    }
}

fn open(terminal: &Weak<Terminal>) -> io::Result<Arc<Terminal>> {
    Ok(terminal.upgrade().ok_or(io::ErrorKind::NotConnected)?)
}
