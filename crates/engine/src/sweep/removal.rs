//! Removing what is old, a little at a time.

use std::convert::Infallible;
use std::time::Duration;

use runbay_model::SessionId;
use runbay_model::Timestamp;
use runbay_store::Command;
use runbay_store::ForgetExpiredKeys;
use runbay_store::RemoveDeadWorkers;
use runbay_store::RemoveEndedExecutions;
use runbay_store::RemoveIdleSessions;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::Engine;
use crate::Unavailable;
use crate::sweep::batch::BatchSize;

/// How many sessions one page has. Other writes come between two pages.
const SESSIONS: u64 = 500;

/// The most batches of one kind in one round.
const BATCHES: usize = 100;

/// How many pages of sessions one round looks at. The next round continues after them.
const SESSION_PAGES: usize = 20;

/// How long the row of a dead worker is kept, so that people can see it.
const DEAD_WORKERS_KEPT: Duration = Duration::from_secs(3_600);

/// The state that one round leaves to the next.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many executions one batch removes, each with its output.
    executions: BatchSize,
    /// The last session that was looked at.
    after: Option<SessionId>,
}

impl Engine {
    /// Removes expired keys, old executions and sessions, and workers that have been dead for long.
    ///
    /// The database's clock decides what is old, because a host whose own clock is ahead must not remove what is new. A
    /// failure to remove one kind does not stop the others.
    pub(crate) async fn remove_old(&self, progress: &mut Progress) -> Result<(), Unavailable> {
        let now = self.store().now().await?;
        let retention = self.settings().retention;
        let keys = self.forget_expired_keys(now).await;
        let ended_before = now.before(retention.executions);
        let old = |limit| RemoveEndedExecutions { ended_before, limit };
        let executions = self.in_batches(&mut progress.executions, old).await;
        // After the executions, because those need their sessions.
        let untouched_since = now.before(retention.sessions.max(retention.executions));
        let sessions = self.remove_idle_sessions(untouched_since, &mut progress.after).await;
        let workers = self.write(RemoveDeadWorkers { unseen_for: DEAD_WORKERS_KEPT }).await;
        let (keys, executions, sessions, workers) = (keys?, executions?, sessions?, workers?);
        if keys + executions + sessions + workers > 0 {
            tracing::info!(keys, executions, sessions, workers, "what is old was removed");
        }
        Ok(())
    }

    /// Removes expired keys and returns how many.
    pub(crate) async fn forget_expired_keys(&self, at: Timestamp) -> Result<u64, Unavailable> {
        self.in_batches(&mut BatchSize::default(), |limit| ForgetExpiredKeys { limit, at }).await
    }

    async fn remove_idle_sessions(
        &self,
        untouched_since: Timestamp,
        after: &mut Option<SessionId>,
    ) -> Result<u64, Unavailable> {
        let mut sum = 0;
        for _ in 0..SESSION_PAGES {
            let command = RemoveIdleSessions { untouched_since, after: *after, limit: SESSIONS };
            let (removed, _) = self.unhurried(command).await;
            let removed = removed?;
            sum += removed.removed;
            *after = removed.next;
            if removed.next.is_none() {
                break;
            }
        }
        Ok(sum)
    }

    /// Repeats a command that changes a limited number of rows, until none are left. Returns how many rows it changed.
    async fn in_batches<C>(&self, size: &mut BatchSize, command: impl Fn(u64) -> C) -> Result<u64, Unavailable>
    where
        C: Command<Answer = u64, Refusal = Infallible>,
    {
        let mut sum = 0;
        for _ in 0..BATCHES {
            let limit = size.rows();
            let (changed, took) = self.unhurried(command(limit)).await;
            size.learn(took, changed.is_ok());
            let changed = changed?;
            sum += changed;
            if changed < limit {
                break;
            }
        }
        Ok(sum)
    }

    /// Applies a command, then leaves the database to others for the same time. Returns the answer and that time.
    async fn unhurried<C>(&self, command: C) -> (Result<C::Answer, Unavailable>, Duration)
    where
        C: Command<Refusal = Infallible>,
    {
        let began = Instant::now();
        let answer = self.write(command).await;
        let took = began.elapsed();
        sleep(took).await;
        (answer, took)
    }
}
