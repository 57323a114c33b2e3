//! Taking attempts away from dead workers.

use runbay_model::Timestamp;
use runbay_store::ExecutionHead;
use runbay_store::ReclaimExecution;
use runbay_store::Stale;
use runbay_store::WriteError;
use tokio::time::Instant;

use crate::Engine;
use crate::Unavailable;
use crate::queueing::entry::retry_delay;

/// How many executions are read at a time.
const PAGE: u64 = 100;

/// The time since which the database has always answered soon.
#[derive(Debug, Default)]
pub(crate) struct Steadiness {
    since: Option<Instant>,
}

impl Engine {
    /// Reclaims the executions of workers that have not renewed their rows in time.
    ///
    /// An execution is queued again, or ends when its attempts are used up. While the database is away, nobody can
    /// renew anything. Nothing is therefore reclaimed until it has been back for long enough that living workers have
    /// renewed their rows.
    pub(crate) async fn sweep_leases(&self, steadiness: &mut Steadiness) -> Result<(), Unavailable> {
        let asked = Instant::now();
        let expired = self.store().expired_leases(self.settings().lease, PAGE).await;
        if expired.is_err() || asked.elapsed() > self.settings().sweep {
            steadiness.since = None;
        } else {
            let since = *steadiness.since.get_or_insert(asked);
            if since.elapsed() >= self.settings().lease / 2 {
                return self.reclaim_all(expired?).await;
            }
        }
        expired?;
        Ok(())
    }

    /// Reclaims these executions, and then further pages while there are more.
    pub(crate) async fn reclaim_all(&self, mut expired: Vec<ExecutionHead>) -> Result<(), Unavailable> {
        loop {
            let is_full = u64::try_from(expired.len()).is_ok_and(|count| count >= PAGE);
            let mut reclaimed = false;
            for head in &expired {
                // This process runs it, so its worker is alive and will renew its row.
                if !self.running().holds(head.id) {
                    reclaimed |= self.reclaim(head).await?;
                }
            }
            if !is_full || !reclaimed {
                return Ok(());
            }
            expired = self.store().expired_leases(self.settings().lease, PAGE).await?;
        }
    }

    /// Reclaims one execution. Returns false when its worker is alive after all or another process was faster.
    async fn reclaim(&self, head: &ExecutionHead) -> Result<bool, Unavailable> {
        let (attempt, now) = (head.state.attempt(), Timestamp::now());
        let report = ReclaimExecution {
            id: head.id,
            attempt,
            lease: self.settings().lease,
            attempts_allowed: self.settings().attempts_allowed,
            available_at: Some(now.after(retry_delay(self.settings().retry_base, attempt))),
            at: now,
        };
        let engine = self.clone();
        match self.carry_through(async move { engine.write_loss(report).await }).await? {
            Ok(_) => {
                tracing::warn!(
                    execution.id = %head.id,
                    execution.attempt = attempt.0,
                    worker.id = head.worker.map(tracing::field::display),
                    "an attempt lost its worker; GET /workers tells its name"
                );
                Ok(true)
            }
            Err(WriteError::Refused(Stale)) => Ok(false),
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
    }
}
