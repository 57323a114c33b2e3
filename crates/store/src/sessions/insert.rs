//! Opening sessions.

use std::convert::Infallible;

use runbay_model::Session;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;

use crate::Command;
use crate::KeyedRequest;
use crate::Repetition;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::entities::code_session;
use crate::idempotency::remember;
use crate::idempotency::repeated_session;

/// Adds a session.
#[derive(Debug, Clone)]
pub struct InsertSession(pub Session);

/// Adds a session unless a request with the same key has added one.
#[derive(Debug, Clone)]
pub struct OpenSessionOnce {
    /// The session.
    pub session: Session,
    /// The idempotency key of the request.
    pub keyed: KeyedRequest,
}

/// A session that was opened by this request or by an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// This request opened it.
    New(Session),
    /// The same request opened it earlier. Holds the session as it is now. Nothing was written.
    Repeated(Session),
}

/// The key stands for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionKeyReused;

impl Command for InsertSession {
    type Answer = ();
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        Ok(insert(transaction, &self.0).await?)
    }
}

impl Command for OpenSessionOnce {
    type Answer = Opened;
    type Refusal = SessionKeyReused;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Opened, WriteError<SessionKeyReused>> {
        let Self { session, keyed } = self;
        match repeated_session(transaction, &keyed, session.created_at).await? {
            Some(Repetition::Same(session)) => return Ok(Opened::Repeated(*session)),
            Some(Repetition::Other) => return Err(WriteError::Refused(SessionKeyReused)),
            None => {}
        }
        insert(transaction, &session).await?;
        remember(transaction, &keyed, session.id.as_uuid(), session.created_at).await?;
        Ok(Opened::New(session))
    }
}

async fn insert(transaction: &DatabaseTransaction, session: &Session) -> Result<(), StoreError> {
    code_session::Entity::insert(code_session::ActiveModel::from(session)).exec_without_returning(transaction).await?;
    Ok(())
}
