//! Errors of the use cases.

use std::error::Error;
use std::sync::Arc;

use runbay_model::LanguageId;
use runbay_shares::Spent;
use runbay_store::AcceptRefusal;
use runbay_store::Outlook;
use runbay_store::RequeueRefusal;

/// The database or the queue does not answer. The same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the service cannot reach its database or queue")]
pub struct Unavailable(#[source] Arc<dyn Error + Send + Sync>);

impl Unavailable {
    pub(crate) fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns the outlook for the same call at a later time.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        self.0.downcast_ref::<runbay_store::StoreError>().map_or(Outlook::Better, runbay_store::StoreError::outlook)
    }
}

impl From<runbay_store::StoreError> for Unavailable {
    fn from(source: runbay_store::StoreError) -> Self {
        Self::new(source)
    }
}

impl From<runbay_queue::QueueError> for Unavailable {
    fn from(source: runbay_queue::QueueError) -> Self {
        Self::new(source)
    }
}

impl From<runbay_events::EventsError> for Unavailable {
    fn from(source: runbay_events::EventsError) -> Self {
        Self::new(source)
    }
}

/// A language that is not offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("language {name:?} is not offered")]
pub struct UnknownLanguage {
    /// The name as it was sent.
    pub name: String,
    /// The ids that are offered.
    pub known: Vec<String>,
    /// The id among them that was probably meant.
    pub nearest: Option<String>,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CreateSessionError {
    /// The language is not offered.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// This host offers no language at all.
    #[error("this server offers no language")]
    NoLanguage,
    /// Another request was accepted under the same key earlier.
    #[error("the idempotency key stands for another request")]
    KeyReused,
    /// There is no room for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why something was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It does not exist or belongs to another tenant.
    #[error("not found")]
    NotFound,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a session could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSessionError {
    /// There is no such session, or it belongs to another tenant.
    #[error("the session was not found")]
    NotFound,
    /// The session was closed.
    #[error("the session is inactive")]
    Inactive,
    /// Somebody else saved the session in the meantime.
    #[error("the session is at version {current}")]
    VersionConflict {
        /// The version that the session has.
        current: u64,
    },
    /// The language is not offered.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// There is no room for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing more is stored for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The database has grown to its bound.
    #[error("{stored} bytes are stored, and {max} may be")]
    Full {
        /// The bytes that are stored.
        stored: u64,
        /// The bytes that may be stored.
        max: u64,
    },
    /// The client has added as much as it may within an hour.
    #[error("the client has added {} bytes within an hour", .0.hourly)]
    Spent(Spent),
}

/// Why there is no place in the queue for one more execution.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// The most executions wait already.
    #[error("{depth} of {max} places in the queue are taken")]
    Full {
        /// The number of places that are taken.
        depth: usize,
        /// The number of all places.
        max: usize,
    },
    /// The client has its share of the places.
    #[error("{held} of {max} places in the queue are taken by one client")]
    Share {
        /// The number of places that the client has.
        held: u64,
        /// The number of all places.
        max: usize,
    },
    /// The queue does not answer, and by the operator's choice no executions are accepted meanwhile.
    #[error("the queue does not answer")]
    QueueUnavailable(#[source] Unavailable),
    /// The queue does not answer, and the database does not say how many executions wait.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a run was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The session does not allow a run at this time, or the key stands for another request.
    #[error(transparent)]
    Refused(#[from] AcceptRefusal),
    /// There is no place in the queue.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// The language is not offered.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// No language is offered at all.
    #[error("this server offers no language")]
    NoLanguage,
    /// The language has no prompt of its own, which the request asks for.
    #[error("{language} has no prompt of its own")]
    NoRepl {
        /// The language's id.
        language: LanguageId,
    },
    /// There is no room for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a dead letter was not queued again.
#[derive(Debug, thiserror::Error)]
pub enum RequeueError {
    /// There is no such dead letter, or its session does not allow a run at this time.
    #[error(transparent)]
    Refused(#[from] RequeueRefusal),
    /// There is no place in the queue.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// Its language is not offered.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<ReadError> for RequeueError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::Refused(RequeueRefusal::NotFound),
            ReadError::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

/// Why an execution was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The worker has not renewed its row within the lease, so others may take away its claims. It must renew the row
    /// first.
    #[error("the worker has not renewed its row in time")]
    LeaseExpired,
    /// This version cannot read the row. A newer version wrote it, or it was changed by hand. Other executions are not
    /// affected.
    #[error("its row cannot be read: {0}")]
    Unreadable(String),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why code could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such session, or it belongs to another tenant.
    #[error("the session was not found")]
    NotFound,
    /// The session was closed.
    #[error("the session is inactive")]
    Inactive,
    /// The language is not offered.
    #[error(transparent)]
    UnknownLanguage(#[from] UnknownLanguage),
    /// Too many checks run and wait. The same call may work a moment later.
    #[error("too many checks are under way")]
    Busy,
    /// As many checks of the client wait as may.
    #[error("too many checks of one client are under way")]
    Share {
        /// How many of its checks wait.
        waiting: usize,
        /// How many may be under way or wait in all.
        max: usize,
    },
    /// The checker is to blame, not the code. The same call may work a moment later.
    #[error("the check gave no result")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an execution could not be cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such execution, or it belongs to another tenant.
    #[error("the execution was not found")]
    NotFound,
    /// The execution had already ended.
    #[error("the execution has ended")]
    AlreadyEnded,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
