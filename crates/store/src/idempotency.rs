//! Idempotency keys: requests that must not take effect twice.

use std::convert::Infallible;

use runbay_model::Session;
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
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Query;
use sea_orm::sea_query::SelectStatement;

use crate::Command;
use crate::ExecutionHead;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::entities::code_session;
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

/// What the database knows about a request with a key. `T` is what such requests lead to.
#[derive(Debug, Clone, PartialEq)]
pub enum Repetition<T> {
    /// The same request was accepted earlier and led to this.
    Same(T),
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
    /// Looks for a request for an execution. Returns none when its key is new or has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn repetition(
        &self,
        request: &KeyedRequest,
        at: Timestamp,
    ) -> Result<Option<Repetition<Box<ExecutionHead>>>, StoreError> {
        read(|| repeated_execution(self.readers(), request, at)).await
    }

    /// Looks for a request for a session. Returns none when its key is new or has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn repeated_session(
        &self,
        request: &KeyedRequest,
        at: Timestamp,
    ) -> Result<Option<Repetition<Box<Session>>>, StoreError> {
        read(|| repeated_session(self.readers(), request, at)).await
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

/// Forgets the keys of requests that led to these executions or sessions.
///
/// No index leads to them: keys live for a day, and only erasing asks for them. They are looked for before they are
/// removed, because MySQL would lock every key that it looks at.
pub(crate) async fn forget(transaction: &DatabaseTransaction, led_to: &[Uuid]) -> Result<(), StoreError> {
    let keys: Vec<Vec<u8>> = idempotency_key::Entity::find()
        .select_only()
        .column(Column::ScopedKey)
        .filter(Column::LedTo.is_in(led_to.iter().copied()))
        .into_tuple()
        .all(transaction)
        .await?;
    if !keys.is_empty() {
        idempotency_key::Entity::delete_many().filter(Column::ScopedKey.is_in(keys)).exec(transaction).await?;
    }
    Ok(())
}

/// Looks for a request for an execution in a transaction.
pub(crate) async fn repeated_execution(
    connection: &impl ConnectionTrait,
    request: &KeyedRequest,
    at: Timestamp,
) -> Result<Option<Repetition<Box<ExecutionHead>>>, StoreError> {
    let Some(known) = recorded(connection, request, at).await? else {
        return Ok(None);
    };
    Ok(head(connection, known.led_to).await?.map(|head| known.repetition(request, head)))
}

/// Looks for a request for a session in a transaction.
pub(crate) async fn repeated_session(
    connection: &impl ConnectionTrait,
    request: &KeyedRequest,
    at: Timestamp,
) -> Result<Option<Repetition<Box<Session>>>, StoreError> {
    let Some(known) = recorded(connection, request, at).await? else {
        return Ok(None);
    };
    let row = code_session::Entity::find_by_id(known.led_to).one(connection).await?;
    let session = row.map(Session::try_from).transpose()?;
    Ok(session.map(|session| known.repetition(request, session)))
}

/// Reads the record of a key. What its request led to may be gone, and the key is free then.
async fn recorded(
    connection: &impl ConnectionTrait,
    request: &KeyedRequest,
    at: Timestamp,
) -> Result<Option<idempotency_key::Model>, StoreError> {
    let record = idempotency_key::Entity::find()
        .filter(Column::ScopedKey.eq(request.scoped_key.as_slice()))
        .filter(Column::ExpiresAt.gt(at.as_micros()));
    Ok(record.one(connection).await?)
}

impl idempotency_key::Model {
    fn repetition<T>(&self, request: &KeyedRequest, led_to: T) -> Repetition<Box<T>> {
        if self.request_hash == request.request_hash { Repetition::Same(Box::new(led_to)) } else { Repetition::Other }
    }
}

/// Records what a request has led to. Replaces a record of the same key that is void.
///
/// Fails if somebody else has recorded the same key since the search. The whole command is then applied again and finds
/// that record.
pub(crate) async fn remember(
    transaction: &DatabaseTransaction,
    request: &KeyedRequest,
    led_to: Uuid,
    at: Timestamp,
) -> Result<(), StoreError> {
    let execution = row_with(execution::Entity, execution::Column::Id);
    let session = row_with(code_session::Entity, code_session::Column::Id);
    let is_gone = Condition::all().add(Expr::not_exists(execution)).add(Expr::not_exists(session));
    idempotency_key::Entity::delete_many()
        .filter(Column::ScopedKey.eq(request.scoped_key.as_slice()))
        .filter(Condition::any().add(Column::ExpiresAt.lte(at.as_micros())).add(is_gone))
        .exec(transaction)
        .await?;
    let row = idempotency_key::ActiveModel {
        scoped_key: Set(request.scoped_key.to_vec()),
        request_hash: Set(request.request_hash.to_vec()),
        led_to: Set(led_to),
        expires_at: Set(request.expires_at.as_micros()),
    };
    idempotency_key::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

/// Selects the row that a key's request led to.
fn row_with<E: EntityTrait, C: ColumnTrait>(table: E, id: C) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(table)
        .and_where(Expr::col((table, id)).eq(Expr::col((idempotency_key::Entity, Column::LedTo))))
        .take()
}
