//! What can go wrong below every read and write.

use std::io;
use std::path::PathBuf;

use sea_orm::DbErr;
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
    #[error(
        "the database {path} was written by a newer version of runbay (it has the migration {migration:?}); \
         start that version, or begin anew with `runbay migrate --reset`"
    )]
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

/// Returns whether a statement failed because a unique column has the value already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
