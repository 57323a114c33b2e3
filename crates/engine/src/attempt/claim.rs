//! Claiming a queued execution.

use std::sync::Arc;
use std::time::Instant;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_queue::Taken;
use runbay_store::ClaimExecution;
use runbay_store::Claimed;
use runbay_store::LeaseExpired;
use runbay_store::WriteError;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::ClaimError;
use crate::Engine;
use crate::Unavailable;
use crate::attempt::running::Registration;
use crate::attempt::stop_signal::Followed;
use crate::metrics::note_claim;

/// A worker's right to run one attempt of an execution.
///
/// It ends with [`Engine::finish`], [`Engine::lose`] or [`Engine::hand_back`]. After a mere drop, the execution is
/// handed back when the worker renews its row.
#[derive(Debug)]
#[must_use = "an execution whose claim is dropped stays RUNNING for a while"]
pub struct Claim {
    /// The execution.
    pub execution: ExecutionId,
    /// The number of this claim, which fences every later write.
    pub attempt: Attempt,
    /// The owner of the execution.
    pub tenant: TenantId,
    /// The session that it was started from. None for a one-shot execution.
    pub session: Option<SessionId>,
    /// What the execution runs. It is shared, because it may hold a megabyte of standard input.
    pub input: Arc<RunInput>,
    /// Cancelled when the result is not wanted: the execution was cancelled, or the attempt was taken away.
    pub cancelled: CancellationToken,
    pub(crate) follower: AbortOnDropHandle<()>,
    _registration: Registration,
}

impl Engine {
    /// Claims a queued execution. Returns none when the execution is not queued.
    ///
    /// CANCEL: an execution that is claimed after the caller went away is handed back.
    ///
    /// # Errors
    ///
    /// [`ClaimError::LeaseExpired`] when the worker must renew its row first. [`ClaimError::Unreadable`] when this
    /// version cannot read the row. The execution may be tried again much later, or by another version.
    /// [`ClaimError::Unavailable`] when the database does not answer. If the execution is claimed all the same, it is
    /// handed back a moment later, or when the worker renews its row.
    pub async fn claim(&self, taken: &Taken, worker: WorkerId) -> Result<Option<Claim>, ClaimError> {
        let (caller, answer) = oneshot::channel();
        let mut awaited = AwaitedClaim { engine: self.clone(), answer };
        let (engine, taken) = (self.clone(), taken.clone());
        self.carry_through(async move {
            let claimed = engine.take(&taken, worker).await;
            if let Err(Ok(Some(unwanted))) = caller.send(claimed) {
                engine.hand_back_unwanted(&unwanted).await;
            }
        })
        .await?;
        awaited.answer.try_recv().map_err(Unavailable::new)?
    }

    async fn take(&self, taken: &Taken, worker: WorkerId) -> Result<Option<Claim>, ClaimError> {
        let (registration, cancelled) = self.running().enter(taken.execution, worker);
        let command = ClaimExecution {
            id: taken.execution,
            worker,
            queue_turn: Some(taken.turn.get()),
            lease: Some(self.settings().lease),
            at: Timestamp::now(),
        };
        let began = Instant::now();
        let claimed = match self.store().write(command).await {
            Ok(claimed) => claimed,
            Err(WriteError::Refused(LeaseExpired)) => return Err(ClaimError::LeaseExpired),
            Err(WriteError::Failed(runbay_store::StoreError::Damaged(found))) => {
                return Err(ClaimError::Unreadable(found));
            }
            Err(WriteError::Failed(error)) => return Err(Unavailable::from(error).into()),
        };
        self.waiting().leave(taken.execution);
        let Some(claimed) = claimed else {
            return Ok(None);
        };
        note_claim(&claimed.head, began.elapsed());
        let Claimed { head, input } = claimed;
        let (id, attempt) = (head.id, head.state.attempt());
        registration.claimed(attempt);
        let follower = self.follow(Followed { execution: id, attempt, worker, stop: cancelled.clone() }).await;
        self.announce(&head).await;
        Ok(Some(Claim {
            execution: id,
            attempt,
            tenant: head.tenant,
            session: head.session,
            input: Arc::new(input),
            cancelled,
            follower,
            _registration: registration,
        }))
    }

    async fn hand_back_unwanted(&self, claim: &Claim) {
        if let Err(error) = self.hand_back(claim).await {
            tracing::error!(execution.id = %claim.execution, error = ?error, "a claim that nobody wants stays");
        }
    }
}

/// A claim that has not reached its caller yet. It is handed back if the caller goes away first.
struct AwaitedClaim {
    engine: Engine,
    answer: oneshot::Receiver<Result<Option<Claim>, ClaimError>>,
}

impl Drop for AwaitedClaim {
    fn drop(&mut self) {
        // Closed first, so that from here on the sender keeps a claim that it cannot send and hands it back.
        self.answer.close();
        if let Ok(Ok(Some(unwanted))) = self.answer.try_recv() {
            let engine = self.engine.clone();
            self.engine.carry_on(async move { engine.hand_back_unwanted(&unwanted).await });
        }
    }
}
