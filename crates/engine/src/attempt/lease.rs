//! The lease of a worker: its claims hold while its row is renewed.

use runbay_model::Attempt;
use runbay_model::Catalog;
use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_store::HandBackExecution;
use runbay_store::RenewWorker;
use runbay_store::Stale;
use runbay_store::StopWorker;
use runbay_store::Worker;
use runbay_store::WriteError;

use crate::Engine;
use crate::Unavailable;
use crate::workers::document::document;

/// The description that a worker gives of itself.
#[derive(Debug, Clone)]
pub struct WorkerCard {
    /// This life of the worker.
    pub id: WorkerId,
    /// A name for people, such as that of its host. It is cut off after 255 characters.
    pub name: String,
    /// The version of its program, at most 64 characters.
    pub version: String,
    /// How many executions it runs at a time.
    pub slots: usize,
    /// The languages that it serves.
    pub catalog: Catalog,
    /// When it was started.
    pub started_at: Timestamp,
}

/// A worker's right to claim executions. It holds while it is renewed in time.
///
/// A worker whose lease has expired has lost its executions: other processes queue them again, and its reports are
/// dropped. The worker learns this with the next renewal and may claim again.
pub struct WorkerLease {
    engine: Engine,
    row: Worker,
    /// Attempts that belong to the worker by the rows but that it did not know at the last renewal.
    unknown: Vec<(ExecutionId, Attempt)>,
}

impl Engine {
    /// Makes the lease of a worker. The lease begins with the first renewal.
    #[must_use]
    pub fn lease(&self, card: &WorkerCard) -> WorkerLease {
        let row = Worker {
            id: card.id,
            name: card.name.chars().take(255).collect(),
            version: card.version.chars().take(64).collect(),
            slots: u32::try_from(card.slots).unwrap_or(u32::MAX),
            running: 0,
            languages: document(&card.catalog),
            started_at: card.started_at,
            draining: false,
        };
        WorkerLease { engine: self.clone(), row, unknown: Vec::new() }
    }
}

impl WorkerLease {
    /// Renews the lease and settles differences between the rows and the worker.
    ///
    /// Attempts that were taken away are stopped. Claims that the worker never learned of, because the database failed
    /// to answer, are handed back.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn renew(&mut self) -> Result<(), Unavailable> {
        self.row.running = u32::try_from(self.engine.running().attempts(self.row.id).len()).unwrap_or(u32::MAX);
        self.engine.write(RenewWorker(self.row.clone())).await?;
        self.put_right().await
    }

    /// Declares with the next renewal that the worker takes no more executions. Renewals go on until its last execution
    /// has ended.
    pub fn drain(&mut self) {
        self.row.draining = true;
    }

    /// Ends the lease. What the worker still runs is lost. Its languages are offered until its successor comes.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. The lease then expires by itself.
    pub async fn end(self) -> Result<(), Unavailable> {
        self.engine.write(StopWorker { id: self.row.id, languages: self.row.languages }).await
    }

    async fn put_right(&mut self) -> Result<(), Unavailable> {
        let worker = self.row.id;
        // Listed before the rows are read, so that an attempt that is claimed in between does not count as taken away.
        let known = self.engine.running().attempts(worker);
        let rows = self.engine.store().attempts_of(worker).await?;
        for (execution, attempt) in known.into_iter().filter(|attempt| !rows.contains(attempt)) {
            // Either another process took it away and announced that, or it has just ended here.
            tracing::debug!(execution.id = %execution, execution.attempt = attempt.0, "an attempt is over by its row");
            self.engine.running().stop_attempt(execution, attempt);
        }
        let unknown: Vec<_> =
            rows.into_iter().filter(|(execution, _)| !self.engine.running().holds(*execution)).collect();
        for (id, attempt) in unknown.iter().filter(|attempt| self.unknown.contains(attempt)) {
            self.engine.return_unknown(*id, *attempt).await?;
        }
        // A claim that was just written or has just ended is left until the next renewal.
        self.unknown = unknown;
        Ok(())
    }
}

impl Engine {
    /// Hands back an attempt that nobody runs. Its claim was written although the database failed to answer.
    async fn return_unknown(&self, id: ExecutionId, attempt: Attempt) -> Result<(), Unavailable> {
        match self.store().write(HandBackExecution { id, attempt, at: Timestamp::now() }).await {
            Ok(head) => {
                tracing::info!(execution.id = %id, "a claim that was never answered is handed back");
                self.announce_or_queue(&head).await;
                Ok(())
            }
            Err(WriteError::Refused(Stale)) => Ok(()),
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
    }
}
