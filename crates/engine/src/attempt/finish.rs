//! Reports of workers at the end of an attempt.

use std::sync::Arc;

use runbay_model::End;
use runbay_model::ExecutionId;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::Verdict;
use runbay_store::Command;
use runbay_store::ExecutionHead;
use runbay_store::FinishExecution;
use runbay_store::HandBackExecution;
use runbay_store::LoseExecution;
use runbay_store::Stale;
use runbay_store::WriteError;

use crate::Claim;
use crate::Engine;
use crate::Unavailable;
use crate::metrics::count_stale_report;
use crate::queueing::entry::retry_delay;
use crate::watch::announce::Usage;

/// The answer to a worker's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The report is durable, by this call or an earlier one.
    Accepted,
    /// The attempt had already ended or was lost. Nothing was changed.
    Stale,
}

impl Engine {
    /// Records the result of an attempt.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. The same report may be sent again.
    pub async fn finish(
        &self,
        claim: &Claim,
        verdict: Verdict,
        outcome: Arc<Outcome>,
    ) -> Result<Recorded, Unavailable> {
        let usage = Usage::from(&outcome.facts);
        let own_end = State::Ended { attempt: claim.attempt, end: End::Judged(verdict) };
        let report =
            FinishExecution { id: claim.execution, attempt: claim.attempt, verdict, outcome, at: Timestamp::now() };
        let (engine, tenant) = (self.clone(), claim.tenant.clone());
        let follower = claim.follower.abort_handle();
        let recorded = self.carry_through(async move {
            let id = report.id;
            match engine.store().write(report).await {
                Ok(head) => {
                    // Otherwise it would hear of this end and read the row in vain.
                    follower.abort();
                    engine.announce_with(&head, usage).await;
                    Ok(Recorded::Accepted)
                }
                Err(WriteError::Refused(Stale)) => Ok(engine.recorded_before(&tenant, id, own_end, usage).await),
                Err(WriteError::Failed(error)) => Err(error.into()),
            }
        });
        recorded.await?
    }

    /// Finds out why a report was refused.
    ///
    /// A database that failed to answer an earlier call may have recorded it all the same, and then the end was never
    /// announced.
    async fn recorded_before(&self, tenant: &TenantId, id: ExecutionId, own_end: State, usage: Usage) -> Recorded {
        let head = self.execution_head(tenant, id).await;
        if let Ok(head) = &head
            && head.state == own_end
        {
            self.announce_with(head, usage).await;
            return Recorded::Accepted;
        }
        count_stale_report();
        if head.is_ok_and(|head| head.state.is_ended()) {
            self.publish_result(id).await;
        }
        Recorded::Stale
    }

    /// Records that an attempt gave no result. `detail` goes only to the log.
    ///
    /// The execution is retried after a while, or fails when its attempts are used up.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. The same report may be sent again.
    pub async fn lose(&self, claim: &Claim, loss: Loss, detail: &str) -> Result<Recorded, Unavailable> {
        let now = Timestamp::now();
        let delay = retry_delay(self.settings().retry_base, claim.attempt);
        tracing::warn!(
            target: "runbay::execution",
            {
                execution.id = %claim.execution,
                execution.attempt = claim.attempt.0,
                language.id = claim.input.language.as_str(),
                loss = ?loss,
                detail,
            },
            "an attempt gave no result"
        );
        let report = LoseExecution {
            id: claim.execution,
            attempt: claim.attempt,
            loss,
            attempts_allowed: self.settings().attempts_allowed,
            available_at: Some(now.after(delay)),
            at: now,
        };
        let engine = self.clone();
        let recorded = self.carry_through(async move {
            match engine.write_loss(report).await {
                Ok(_) => Ok(Recorded::Accepted),
                Err(error) => stale(error),
            }
        });
        recorded.await?
    }

    /// Returns an unfinished attempt. This uses up no attempt.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. The same report may be sent again.
    pub async fn hand_back(&self, claim: &Claim) -> Result<Recorded, Unavailable> {
        let report = HandBackExecution { id: claim.execution, attempt: claim.attempt, at: Timestamp::now() };
        let engine = self.clone();
        let recorded = self.carry_through(async move {
            match engine.store().write(report).await {
                Ok(head) => {
                    engine.announce_or_queue(&head).await;
                    Ok(Recorded::Accepted)
                }
                Err(error) => stale(error),
            }
        });
        recorded.await?
    }

    /// Writes that an attempt was lost. Queues the execution again, or announces its end.
    pub(crate) async fn write_loss<C>(&self, report: C) -> Result<ExecutionHead, WriteError<Stale>>
    where
        C: Command<Answer = ExecutionHead, Refusal = Stale>,
    {
        let head = self.store().write(report).await?;
        self.announce_or_queue(&head).await;
        Ok(head)
    }

    /// Announces the end that came of an attempt without a result, or queues the execution again.
    pub(crate) async fn announce_or_queue(&self, head: &ExecutionHead) {
        if head.state.is_ended() {
            self.announce(head).await;
        } else {
            self.queue_again(head).await;
        }
    }
}

fn stale(error: WriteError<Stale>) -> Result<Recorded, Unavailable> {
    match error {
        WriteError::Refused(Stale) => Ok(Recorded::Stale),
        WriteError::Failed(error) => Err(error.into()),
    }
}
