//! What can go wrong below every read and write.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sea_orm::SqlErr;

/// The database does not answer as it should; the same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// The database reported an error or could not be reached.
    #[error("the database does not answer")]
    Database(#[from] DbErr),
    /// As many writes wait as may wait, and none was done for too long.
    #[error("the database takes no more writes at the moment")]
    Busy,
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// The code of a write panicked; nothing of it was kept.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// A row holds something that this program never writes.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
}

impl Unavailable {
    /// Returns whether the transaction in which this happened may be gone.
    ///
    /// After a broken constraint only the statement has no effect. After anything else that the database reports,
    /// such as a full disk, SQLite may have rolled back the whole transaction, and what follows would run outside it.
    pub(crate) fn breaks_transaction(&self) -> bool {
        match self {
            Self::Database(error @ (DbErr::Exec(_) | DbErr::Query(_))) => error.sql_err().is_none(),
            Self::Database(DbErr::Conn(_) | DbErr::ConnectionAcquire(_)) => true,
            _ => false,
        }
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file and none can be made.
    #[error("cannot make the database {path}")]
    Make {
        /// The database file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file cannot be opened, is not a database, or cannot be changed.
    #[error("cannot open the database {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the database reported.
        source: DbErr,
    },
    /// A newer version of this program has changed the tables.
    #[error("the database {path} was written by a newer version of runbay (it has the migration {migration:?})")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// A migration that this program does not know.
        migration: String,
    },
    /// A migration failed; the tables are as they were before.
    #[error("cannot bring the tables of {path} up to date")]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// What the database reported.
        source: DbErr,
    },
}

/// What an operator can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another process has the database for itself.
    Locked,
    /// There is no room on its disk.
    DiskFull,
    /// The file or its directory may not be written.
    ReadOnly,
    /// The file is no database, or a damaged one.
    NotADatabase,
}

impl Fault {
    /// Finds what is wrong with the database in an error and its causes, where the database has a word for it.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref().and_then(Self::of) {
                return Some(fault);
            }
            next = error.source();
        }
        None
    }

    /// Reads a result code of SQLite, whose low byte is the kind: <https://sqlite.org/rescode.html>.
    fn of(error: &DbErr) -> Option<Self> {
        let (DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))) = error
        else {
            return None;
        };
        let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
        match code & 0xff {
            5 | 6 => Some(Self::Locked),
            13 => Some(Self::DiskFull),
            8 | 14 => Some(Self::ReadOnly),
            11 | 26 => Some(Self::NotADatabase),
            _ => None,
        }
    }
}

/// Returns whether a statement failed because a unique column has the value already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
