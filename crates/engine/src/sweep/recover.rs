//! Recovery: makes rows and queue agree at the start of the server.

use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::Loss;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_store::ExecutionHead;
use runbay_store::LoseExecution;
use runbay_store::RemoveDeadWorkers;
use runbay_store::Stale;
use runbay_store::WriteError;

use crate::Engine;
use crate::Unavailable;
use crate::queueing::entry::entry;

/// How many rows are read at a time.
const PAGE: u64 = 500;

/// The results of a recovery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many executions lost an attempt and are queued again.
    pub requeued: usize,
    /// How many executions lost their last attempt.
    pub lost: usize,
    /// How many executions were still queued.
    pub queued: usize,
}

impl Engine {
    /// Queues what an earlier life of this server left unfinished.
    ///
    /// Only for a database that no other server uses, and before anything is claimed: every RUNNING row has then lost
    /// its worker.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. It may be called again.
    pub async fn recover(&self) -> Result<Recovered, Unavailable> {
        self.write(RemoveDeadWorkers { unseen_for: Duration::ZERO }).await?;
        self.settle_all().await?;
        let mut recovered = Recovered::default();
        let mut after = None;
        loop {
            let page = self.store().executions_with_status(Status::Running, after, PAGE).await?;
            for head in &page {
                match self.lose_without_worker(head).await? {
                    Some(now) if now.state.is_ended() => recovered.lost += 1,
                    Some(_) => recovered.requeued += 1,
                    None => {}
                }
            }
            let Some(last) = page.last() else { break };
            after = Some(position(last));
        }
        let queued = self.fill_queue().await?;
        recovered.queued = queued.saturating_sub(recovered.requeued);
        Ok(recovered)
    }

    async fn lose_without_worker(&self, head: &ExecutionHead) -> Result<Option<ExecutionHead>, Unavailable> {
        let report = LoseExecution {
            id: head.id,
            attempt: head.state.attempt(),
            loss: Loss::WorkerLost,
            attempts_allowed: self.settings().attempts_allowed,
            available_at: None,
            at: Timestamp::now(),
        };
        match self.write_loss(report).await {
            Ok(head) => Ok(Some(head)),
            Err(WriteError::Refused(Stale)) => Ok(None),
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
    }

    async fn fill_queue(&self) -> Result<usize, Unavailable> {
        let mut count = 0;
        let mut after = None;
        loop {
            let page = self.store().executions_with_status(Status::Queued, after, PAGE).await?;
            for head in &page {
                self.queue().push(entry(head)).await?;
            }
            count += page.len();
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(position(last));
        }
    }
}

fn position(head: &ExecutionHead) -> (Timestamp, ExecutionId) {
    (head.created_at, head.id)
}
