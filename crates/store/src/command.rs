//! Writes as values.

use std::future::Future;

use sea_orm::DatabaseTransaction;
use sea_orm::DbErr;

use crate::StoreError;

/// A write that applies itself inside a transaction.
///
/// Commands of several callers may share one transaction. A refusal or an error undoes everything that its own command
/// wrote, and nothing else. Where transactions can get in each other's way, a clone of the command is applied again
/// after it was undone.
pub trait Command: Clone + Send + Sync + 'static {
    /// The answer to the caller once the write is durable.
    type Answer: Send + 'static;
    /// Why the write may be refused. `Infallible` when it cannot be.
    type Refusal: Send + 'static;
    /// How many of its statements change rows.
    const WRITES: Writes = Writes::Several;

    /// Applies the command inside `transaction`.
    fn apply(
        self,
        transaction: &DatabaseTransaction,
    ) -> impl Future<Output = Result<Self::Answer, WriteError<Self::Refusal>>> + Send;
}

/// How many statements of a command change rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// At most one, and nothing is refused after it: the database undoes it by itself when it fails.
    One,
    /// Several: among other commands it needs a savepoint, which costs two more statements.
    Several,
}

/// Why a write has no answer.
#[derive(Debug)]
pub enum WriteError<R> {
    /// The rows do not allow it.
    Refused(R),
    /// The database does not answer. The write may or may not be durable.
    Failed(StoreError),
}

impl<R> From<StoreError> for WriteError<R> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl<R> From<DbErr> for WriteError<R> {
    fn from(error: DbErr) -> Self {
        Self::Failed(StoreError::Database(error))
    }
}
