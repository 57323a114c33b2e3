//! Writing to a server: a transaction for each command.
//!
//! The server flushes the transactions of several connections together. Saves, which come by the thousand, are gathered
//! into one command before they come here.

use sea_orm::DatabaseConnection;
use sea_orm::DatabaseTransaction;
use sea_orm::TransactionTrait;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::backend::deadline::Try;
use crate::backend::deadline::passing;
use crate::backend::deadline::until_answered;
use crate::backend::fault::Passing;
use crate::backend::panics::caught;

/// The writer of a server. It is cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ServerWriter {
    pool: DatabaseConnection,
}

type Answered<C> = Result<<C as Command>::Answer, WriteError<<C as Command>::Refusal>>;

impl ServerWriter {
    pub(crate) const fn new(pool: DatabaseConnection) -> Self {
        Self { pool }
    }

    /// Applies `command`. Returns when it is durable.
    ///
    /// CANCEL: a command that was taken is applied even if its caller goes away.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Answered<C> {
        let pool = self.pool.clone();
        let task = tokio::spawn(async move { caught(apply_until_answered(&pool, &command)).await });
        match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(panic.into()),
            Err(_) => Err(StoreError::Closed.into()),
        }
    }
}

async fn apply_until_answered<C: Command>(pool: &DatabaseConnection, command: &C) -> Answered<C> {
    until_answered(|| {
        // Cloned before the first wait, so that a command need not be shared between threads.
        let command = command.clone();
        apply_once(pool, command)
    })
    .await
}

/// Applies a command in a transaction. The transaction is undone unless the command succeeds.
async fn apply_once<C: Command>(pool: &DatabaseConnection, command: C) -> Try<C::Answer, WriteError<C::Refusal>> {
    let transaction = match pool.begin().await {
        Ok(transaction) => transaction,
        Err(error) => return before_the_commit(error.into()),
    };
    match command.apply(&transaction).await {
        Ok(answer) => commit(transaction, answer).await,
        Err(WriteError::Failed(error)) => before_the_commit(error.into()),
        refused @ Err(WriteError::Refused(_)) => {
            // When this returns, its locks are gone. Even if it fails, nothing has changed.
            if let Err(error) = transaction.rollback().await {
                tracing::debug!(error = ?error, "a refused write was not taken back in time");
            }
            Try::Done(refused)
        }
    }
}

async fn commit<T, E: From<StoreError>>(transaction: DatabaseTransaction, answer: T) -> Try<T, E> {
    match transaction.commit().await.map_err(StoreError::from) {
        Ok(()) => Try::Done(Ok(answer)),
        // If the connection is lost here, nobody knows whether the commit happened.
        Err(error) if passing(&error) == Some(Passing::Collision) => Try::Again(error),
        Err(error) => Try::Done(Err(error.into())),
    }
}

fn before_the_commit<T, R>(error: WriteError<R>) -> Try<T, WriteError<R>> {
    match error {
        WriteError::Failed(error) if passing(&error).is_some() => Try::Again(error),
        error => Try::Done(Err(error)),
    }
}
