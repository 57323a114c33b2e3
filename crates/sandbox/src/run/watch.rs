//! Watching a program from outside until it has ended.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use super::clock::Clock;
use super::clock::Expiry;
use super::clock::Stop;
use super::report::RunError;
use crate::link::BayHandle;
use crate::link::Control;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

/// How long a killed bay is waited for: with thousands of processes it may take a busy host a while to end them all.
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// All that can end a program from outside, and what tells of its end.
pub(super) struct Watch {
    pub(super) clock: Clock,
    /// Leads to pid 1 of the bay.
    pub(super) control: Control,
    pub(super) handle: BayHandle,
    pub(super) ended: oneshot::Receiver<(ProgramEnd, Usage)>,
    pub(super) stopped: Option<Stopped>,
}

/// A program that was stopped.
pub(super) struct Stopped {
    reason: Stop,
    at: Instant,
    /// Whether the forker was told to kill it.
    is_told: bool,
}

/// The end of a program, as it was told.
pub(super) struct End {
    pub(super) how: ProgramEnd,
    pub(super) stop: Option<Stop>,
    pub(super) wall: Duration,
    pub(super) usage: Usage,
}

impl Watch {
    /// Stops the program, unless it was stopped before.
    pub(super) fn stop(&mut self, reason: Stop) {
        if self.stopped.is_none() {
            self.stopped = Some(Stopped { reason, at: Instant::now(), is_told: self.handle.try_kill() });
        }
    }

    /// Waits for the end of the program, and stops it when time is up. To be called until it has returned once.
    ///
    /// CANCEL: nothing is lost.
    pub(super) async fn end(&mut self) -> Result<End, RunError> {
        let (how, usage) = loop {
            let patience = self.stopped.as_ref().map_or(self.clock.started(), |stopped| stopped.at + KILL_PATIENCE);
            let has_to_tell = self.stopped.as_ref().is_some_and(|stopped| !stopped.is_told);
            tokio::select! {
                end = &mut self.ended => break end.map_err(|_| RunError::ForkerLost)?,
                expiry = self.clock.expiry(&mut self.control, &self.handle), if self.stopped.is_none() => match expiry {
                    Expiry::Stop(reason) => self.stop(reason),
                    Expiry::NotPacked => return Err(RunError::NotPacked),
                },
                () = self.handle.kill(), if has_to_tell => {
                    if let Some(stopped) = &mut self.stopped {
                        stopped.is_told = true;
                    }
                }
                () = tokio::time::sleep_until(patience), if self.stopped.is_some() => {
                    // The verdict stands whenever the bay's last process ends; its slot is not used again before that.
                    warn!("a bay did not die within {} s of being killed", KILL_PATIENCE.as_secs());
                    break (ProgramEnd::Killed, Usage::default());
                }
            }
        };
        self.handle.disarm();
        let at = self.stopped.as_ref().map_or_else(Instant::now, |stopped| stopped.at);
        let wall = usage.wall_us.map_or(at - self.clock.started(), Duration::from_micros);
        Ok(End { how, stop: self.stopped.as_ref().map(|stopped| stopped.reason), wall, usage })
    }
}
