//! Idempotency keys: requests that must not take effect twice.

use std::convert::Infallible;

use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;
use sea_orm::Set;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Query;

use crate::Command;
use crate::ExecutionHead;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::entities::execution;
use crate::entities::idempotency_key;
use crate::entities::idempotency_key::Column;
use crate::executions::head;

/// A request with a key, as digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The digest of the key and of the scope in which it is unique.
    pub scoped_key: [u8; 32],
    /// The digest of the request's members.
    pub request_hash: [u8; 32],
    /// When the key is forgotten.
    pub expires_at: Timestamp,
}

/// What the database knows about a request with a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Repetition {
    /// The same request was accepted earlier and led to this execution.
    Same(Box<ExecutionHead>),
    /// The key was used for another request.
    Other,
}

/// Removes expired keys, at most `limit` of them. Answers how many.
#[derive(Debug, Clone)]
pub struct ForgetExpiredKeys {
    /// The most keys to forget.
    pub limit: u64,
    /// The present time.
    pub at: Timestamp,
}

impl Store {
    /// Looks for a request. Returns none when its key is new or has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn repetition(&self, request: &KeyedRequest, at: Timestamp) -> Result<Option<Repetition>, StoreError> {
        read(|| repetition(self.readers(), request, at)).await
    }
}

impl Command for ForgetExpiredKeys {
    type Answer = u64;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<u64, WriteError<Infallible>> {
        // PostgreSQL and SQLite have no LIMIT for DELETE, and MySQL has none for subqueries.
        let expired: Vec<Vec<u8>> = idempotency_key::Entity::find()
            .select_only()
            .column(Column::ScopedKey)
            .filter(Column::ExpiresAt.lte(self.at.as_micros()))
            .order_by_asc(Column::ExpiresAt)
            .limit(self.limit)
            .into_tuple()
            .all(transaction)
            .await?;
        if expired.is_empty() {
            return Ok(0);
        }
        let forgotten =
            idempotency_key::Entity::delete_many().filter(Column::ScopedKey.is_in(expired)).exec(transaction).await?;
        Ok(forgotten.rows_affected)
    }
}

/// Looks for a request in a transaction.
pub(crate) async fn repetition(
    connection: &impl ConnectionTrait,
    request: &KeyedRequest,
    at: Timestamp,
) -> Result<Option<Repetition>, StoreError> {
    let known = idempotency_key::Entity::find()
        .filter(Column::ScopedKey.eq(request.scoped_key.as_slice()))
        .filter(Column::ExpiresAt.gt(at.as_micros()))
        .one(connection)
        .await?;
    let Some(known) = known else {
        return Ok(None);
    };
    if known.request_hash != request.request_hash {
        return Ok(Some(Repetition::Other));
    }
    // A key may outlive its execution. It is free then.
    let head = head(connection, known.execution_id).await?;
    Ok(head.map(Box::new).map(Repetition::Same))
}

/// Records that a request has led to an execution. Replaces a record of the same key that is void.
///
/// Fails if somebody else has recorded the same key since the search. The whole command is then applied again and finds
/// that record.
pub(crate) async fn remember(
    transaction: &DatabaseTransaction,
    request: &KeyedRequest,
    execution: ExecutionId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let its_execution = Query::select()
        .expr(Expr::val(1))
        .from(execution::Entity)
        .and_where(
            Expr::col((execution::Entity, execution::Column::Id))
                .eq(Expr::col((idempotency_key::Entity, Column::ExecutionId))),
        )
        .take();
    idempotency_key::Entity::delete_many()
        .filter(Column::ScopedKey.eq(request.scoped_key.as_slice()))
        .filter(Condition::any().add(Column::ExpiresAt.lte(at.as_micros())).add(Expr::not_exists(its_execution)))
        .exec(transaction)
        .await?;
    let row = idempotency_key::ActiveModel {
        scoped_key: Set(request.scoped_key.to_vec()),
        request_hash: Set(request.request_hash.to_vec()),
        execution_id: Set(execution.as_uuid()),
        expires_at: Set(request.expires_at.as_micros()),
    };
    idempotency_key::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}
