//! Saving sessions, which editors do all the time.

use std::convert::Infallible;

use runbay_model::CodeChange;
use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;

use super::change::changed;
use super::change::write;
use crate::Command;
use crate::Store;
use crate::Unavailable;
use crate::WriteError;
use crate::Writes;
use crate::deadline::Try;
use crate::deadline::passing;
use crate::deadline::until_answered;
use crate::entities::code_session;
use crate::store::Writer;

/// Changes language and code of a session; a change that changes nothing writes nothing.
#[derive(Debug, Clone)]
pub struct SaveSession {
    /// Who asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The new language, if any.
    pub language: Option<LanguageId>,
    /// The new code, if any.
    pub code: Option<CodeChange>,
    /// The version that the session must have, if it matters.
    pub expected_version: Option<u64>,
    /// The present time.
    pub at: Timestamp,
}

/// Why a session is not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveRefusal {
    /// There is no such session, or it belongs to another tenant.
    NotFound,
    /// It was closed.
    Inactive,
    /// It has another version than expected.
    VersionConflict {
        /// The version that it has.
        current: u64,
    },
}

pub(super) type Saved = Result<Session, WriteError<SaveRefusal>>;

impl Store {
    /// Saves a session and returns it as it is afterwards; when it returns, that is durable.
    ///
    /// Saves of one session that wait for each other are written together: each counts its version and has its own
    /// answer, and only what comes of all of them is written.
    ///
    /// CANCEL: a save is applied even when its caller goes away.
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`] when the session does not allow it; then it had no effect.
    pub async fn save_session(&self, save: SaveSession) -> Result<Session, WriteError<SaveRefusal>> {
        self.waiting_saves().save(self, save).await
    }

    /// Saves one session several times and writes once; answers in the order of the saves, of which there is one.
    pub(super) async fn save_all(&self, saves: Vec<SaveSession>) -> Vec<Saved> {
        let count = saves.len();
        let result = match self.writer() {
            Writer::Sqlite(writer) => writer.write(SaveAll(saves)).await,
            // One statement that reads and one that writes, if there is something to be written: no transaction.
            Writer::Server(_) => until_answered(|| save_once(self.readers(), saves.clone())).await,
        };
        result.unwrap_or_else(|error| {
            let error = match error {
                WriteError::Unavailable(error) => error,
                WriteError::Refused(never) => match never {},
            };
            vec![error; count].into_iter().map(|error| Err(error.into())).collect()
        })
    }
}

#[derive(Debug, Clone)]
struct SaveAll(Vec<SaveSession>);

impl Command for SaveAll {
    type Answer = Vec<Saved>;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Vec<Saved>, WriteError<Infallible>> {
        match save_once(transaction, self.0).await {
            Try::Done(answer) => answer,
            Try::Again(error) => Err(error.into()),
        }
    }
}

async fn save_once(
    connection: &impl ConnectionTrait,
    saves: Vec<SaveSession>,
) -> Try<Vec<Saved>, WriteError<Infallible>> {
    let before = match read(connection, saves.first().map(|save| save.id)).await {
        Ok(before) => before,
        Err(error) if passing(&error).is_some() => return Try::Again(error),
        Err(error) => return Try::Done(Err(error.into())),
    };
    let mut after = before.clone();
    let answers = saves.into_iter().map(|save| apply(&mut after, save)).collect();
    match (before, after) {
        (Some(before), Some(after)) if after.version != before.version => {
            match write(connection, &before, &after).await {
                Ok(true) => Try::Done(Ok(answers)),
                // Somebody else changed the session since it was read.
                Ok(false) => Try::Again(Unavailable::Busy),
                // Where the connection is lost now, nobody knows whether it was written.
                Err(error) => Try::Done(Err(error.into())),
            }
        }
        _ => Try::Done(Ok(answers)),
    }
}

async fn read(connection: &impl ConnectionTrait, id: Option<SessionId>) -> Result<Option<Session>, Unavailable> {
    let Some(id) = id else { return Ok(None) };
    let row = code_session::Entity::find_by_id(id.as_uuid()).one(connection).await?;
    row.map(Session::try_from).transpose()
}

/// Lets one save change the session.
fn apply(session: &mut Option<Session>, save: SaveSession) -> Saved {
    let Some(session) = session.as_mut().filter(|session| session.tenant == save.tenant) else {
        return Err(WriteError::Refused(SaveRefusal::NotFound));
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
