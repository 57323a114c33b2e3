//! Commands on their way through the writer, with their types hidden.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::TransactionTrait;
use tokio::sync::oneshot;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::panics::caught;

/// A command as the writer sees it: apply it, then answer it or fail it.
#[async_trait]
pub(super) trait Job: Send {
    /// Applies the command among others and keeps its answer.
    ///
    /// An error means that the whole transaction is lost, not only this command.
    async fn apply(&mut self, transaction: &DatabaseTransaction) -> Result<(), StoreError>;

    /// Applies the command in a transaction of its own, ends that, and keeps the answer.
    async fn apply_alone(&mut self, transaction: DatabaseTransaction) -> Result<(), StoreError>;

    /// Sends the kept answer to the caller, after the commit.
    fn answer(self: Box<Self>);

    /// Tells the caller that the transaction was lost.
    fn fail(self: Box<Self>, error: StoreError);
}

type Answered<C> = Result<<C as Command>::Answer, WriteError<<C as Command>::Refusal>>;

/// A command whose caller waits.
pub(super) struct Pending<C: Command> {
    command: Option<C>,
    answer: Option<Answered<C>>,
    caller: oneshot::Sender<Answered<C>>,
}

impl<C: Command> Pending<C> {
    pub(super) fn new(command: C, caller: oneshot::Sender<Answered<C>>) -> Self {
        Self { command: Some(command), answer: None, caller }
    }
}

#[async_trait]
impl<C: Command> Job for Pending<C> {
    async fn apply(&mut self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        let Some(command) = self.command.take() else { return Ok(()) };
        self.answer = Some(match C::WRITES {
            Writes::One => apply_bare(command, transaction).await?,
            Writes::Several => apply_within(transaction.begin().await?, command).await?,
        });
        Ok(())
    }

    async fn apply_alone(&mut self, transaction: DatabaseTransaction) -> Result<(), StoreError> {
        let Some(command) = self.command.take() else { return Ok(()) };
        self.answer = Some(apply_within(transaction, command).await?);
        Ok(())
    }

    fn answer(self: Box<Self>) {
        let Self { answer, caller, .. } = *self;
        send(caller, answer.unwrap_or_else(|| Err(StoreError::Closed.into())));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        send(self.caller, Err(error.into()));
    }
}

/// Applies a command without a savepoint. Nothing can be undone, so a panic loses the whole transaction.
async fn apply_bare<C: Command>(command: C, transaction: &DatabaseTransaction) -> Result<Answered<C>, StoreError> {
    let answer = caught(command.apply(transaction)).await?;
    survivable(answer)
}

/// Applies a command in a transaction or savepoint of its own, which is undone unless the command succeeds.
async fn apply_within<C: Command>(own: DatabaseTransaction, command: C) -> Result<Answered<C>, StoreError> {
    let answer = caught(command.apply(&own)).await.unwrap_or_else(|panic| Err(panic.into()));
    let answer = survivable(answer)?;
    match answer {
        Ok(_) => own.commit().await?,
        Err(_) => own.rollback().await?,
    }
    Ok(answer)
}

fn survivable<A, R>(answer: Result<A, WriteError<R>>) -> Result<Result<A, WriteError<R>>, StoreError> {
    match answer {
        Err(WriteError::Failed(error)) if error.breaks_transaction() => Err(error),
        answer => Ok(answer),
    }
}

fn send<T>(caller: oneshot::Sender<T>, answer: T) {
    if caller.send(answer).is_err() {
        tracing::trace!("the caller of a write went away");
    }
}
