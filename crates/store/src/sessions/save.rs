//! Saving sessions. Editors do it all the time.

use std::collections::HashMap;
use std::collections::HashSet;
use std::convert::Infallible;

use runbay_model::CodeChange;
use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::DbBackend;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::LockBehavior;
use sea_orm::sea_query::LockType;
use tokio::time::Instant;

use super::change::Change;
use super::change::changed;
use super::change::pad;
use super::change::write;
use super::change::write_locked;
use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::connections::Connections;
use crate::backend::connections::Writer;
use crate::backend::deadline::Try;
use crate::backend::deadline::passing;
use crate::backend::deadline::until_answered;
use crate::backend::fault::Passing;
use crate::entities::code_session;
use crate::entities::code_session::Column;

/// Changes language and code of a session. Writes nothing when that makes no difference.
#[derive(Debug, Clone)]
pub struct SaveSession {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The new language, if any.
    pub language: Option<LanguageId>,
    /// The new code, if any.
    pub code: Option<CodeChange>,
    /// The version that the session must have. None when any will do.
    pub expected_version: Option<u64>,
    /// The present time.
    pub at: Timestamp,
}

/// Why a session is not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveRefusal {
    /// There is no such session, or it belongs to another tenant.
    NotFound,
    /// The session was closed.
    Inactive,
    /// The session has another version than expected.
    VersionConflict {
        /// The present version.
        current: u64,
    },
}

pub(super) type Saved = Result<Session, WriteError<SaveRefusal>>;

/// Saves sessions in as few statements as possible, and writes each session once.
///
/// Takes at least one save. Returns the result of each save in the same order.
pub(crate) async fn save_all(connections: &Connections, saves: Vec<DueSave>) -> Vec<SaveTry> {
    let count = saves.len();
    let of_one_session = saves.windows(2).all(|pair| pair[0].save.id == pair[1].save.id);
    let result = match &connections.writer {
        // Without a transaction: one statement reads, and one writes if anything differs.
        Writer::Server(_) if of_one_session => until_answered(|| save_once(&connections.readers, saves.clone())).await,
        _ if of_one_session => connections.write(SaveOne(saves)).await,
        _ => connections.write(SaveSeveral(saves)).await,
    };
    result.unwrap_or_else(|error| {
        let error = match error {
            WriteError::Failed(error) => error,
            WriteError::Refused(never) => match never {},
        };
        vec![error; count].into_iter().map(|error| SaveTry::Answered(Err(error.into()))).collect()
    })
}

/// A save with the time at which its caller gives up.
///
/// A later write might undo what the same user has saved through another process.
#[derive(Debug, Clone)]
pub(crate) struct DueSave {
    pub(crate) save: SaveSession,
    pub(crate) until: Instant,
}

/// The result of trying a save.
#[derive(Debug)]
pub(crate) enum SaveTry {
    Answered(Saved),
    /// The save was not written, because somebody else has locked the session.
    Locked(Box<DueSave>),
}

/// Saves of one session.
#[derive(Debug, Clone)]
struct SaveOne(Vec<DueSave>);

/// Saves of several sessions. Locked sessions are left out, so that nobody waits for the session of somebody else.
#[derive(Debug, Clone)]
struct SaveSeveral(Vec<DueSave>);

impl Command for SaveOne {
    type Answer = Vec<SaveTry>;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Vec<SaveTry>, WriteError<Infallible>> {
        match save_once(transaction, self.0).await {
            Try::Done(answer) => answer,
            Try::Again(error) => Err(error.into()),
        }
    }
}

impl Command for SaveSeveral {
    type Answer = Vec<SaveTry>;
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Vec<SaveTry>, WriteError<Infallible>> {
        let mut ids: Vec<_> = self.0.iter().map(|due| due.save.id.as_uuid()).collect();
        ids.dedup();
        let query = with_ids(ids.clone()).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let rows = query.all(transaction).await?;
        ids.retain(|id| rows.iter().all(|row| row.id != *id));
        let locked = existing(transaction, ids).await?;
        let mut sessions = Sessions::of(rows);
        let save = |due: DueSave| match locked.contains(&due.save.id) {
            true => SaveTry::Locked(Box::new(due)),
            false => SaveTry::Answered(sessions.save(due)),
        };
        let tries = self.0.into_iter().map(save).collect();
        write_locked(transaction, &sessions.changes()).await?;
        Ok(tries)
    }
}

/// Returns the sessions that exist.
async fn existing(transaction: &DatabaseTransaction, ids: Vec<Uuid>) -> Result<HashSet<SessionId>, DbErr> {
    // SQLite locks no rows.
    if ids.is_empty() || transaction.get_database_backend() == DbBackend::Sqlite {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = with_ids(ids).select_only().column(Column::Id).into_tuple().all(transaction).await?;
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

fn with_ids(mut ids: Vec<Uuid>) -> Select<code_session::Entity> {
    pad(&mut ids);
    code_session::Entity::find().filter(Column::Id.is_in(ids))
}

async fn save_once(
    connection: &impl ConnectionTrait,
    saves: Vec<DueSave>,
) -> Try<Vec<SaveTry>, WriteError<Infallible>> {
    let rows = match read(connection, saves.first().map(|due| due.save.id)).await {
        Ok(rows) => rows,
        Err(error) if passing(&error).is_some() => return Try::Again(error),
        Err(error) => return Try::Done(Err(error.into())),
    };
    let mut sessions = Sessions::of(rows);
    let answers = saves.into_iter().map(|due| SaveTry::Answered(sessions.save(due))).collect();
    let Some(Change { before, after }) = sessions.changes().pop() else {
        return Try::Done(Ok(answers));
    };
    match write(connection, &before, &after).await {
        Ok(true) => Try::Done(Ok(answers)),
        // Somebody else changed the session since it was read.
        Ok(false) => Try::Again(StoreError::Busy),
        Err(error) if passing(&error) == Some(Passing::Collision) => Try::Again(error),
        // If the connection is lost here, nobody knows whether it was written.
        Err(error) => Try::Done(Err(error.into())),
    }
}

async fn read(
    connection: &impl ConnectionTrait,
    id: Option<SessionId>,
) -> Result<Option<code_session::Model>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    Ok(code_session::Entity::find_by_id(id.as_uuid()).one(connection).await?)
}

/// The sessions of several saves, before and after.
struct Sessions(HashMap<SessionId, Result<Change, StoreError>>);

impl Sessions {
    fn of(rows: impl IntoIterator<Item = code_session::Model>) -> Self {
        let sessions = rows.into_iter().map(|row| {
            let id = SessionId::from_uuid(row.id);
            (id, Session::try_from(row).map(|before| Change { after: before.clone(), before }))
        });
        Self(sessions.collect())
    }

    /// Applies one save to its session unless it is too late.
    fn save(&mut self, DueSave { save, until }: DueSave) -> Saved {
        if until <= Instant::now() {
            return Err(StoreError::Silent.into());
        }
        let session = match self.0.get_mut(&save.id) {
            Some(Ok(change)) if change.before.tenant == save.tenant => &mut change.after,
            Some(Err(damage)) => return Err(damage.clone().into()),
            _ => return Err(WriteError::Refused(SaveRefusal::NotFound)),
        };
        if session.status == SessionStatus::Inactive {
            return Err(WriteError::Refused(SaveRefusal::Inactive));
        }
        let current = session.version;
        if save.expected_version.is_some_and(|expected| expected != current) {
            return Err(WriteError::Refused(SaveRefusal::VersionConflict { current }));
        }
        if let Some(after) = changed(session, save.language, save.code, save.at) {
            *session = after;
        }
        Ok(session.clone())
    }

    /// Returns the sessions that have changed.
    fn changes(self) -> Vec<Change> {
        let whole = self.0.into_values().filter_map(Result::ok);
        whole.filter(|change| change.after.version != change.before.version).collect()
    }
}
