//! Errors of reads, of writes and of opening a database.

use std::io;
use std::path::PathBuf;

use sea_orm::DbErr;

use crate::InvalidDatabaseUrl;
use crate::Outlook;

/// The database does not answer as it should; the same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database reported an error or could not be reached.
    #[error("the database does not answer")]
    Database(#[from] DbErr),
    /// The database said nothing for too long.
    #[error("the database does not answer in time")]
    Silent,
    /// Too many writes wait, and none was done for too long.
    #[error("the database takes no more writes at the moment")]
    Busy,
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// The code of a write panicked; nothing of the write was kept.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// A row holds something that this program never writes.
    #[error("a stored row is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Returns the outlook for the same call at a later time.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        match self {
            Self::Silent | Self::Busy | Self::Closed => Outlook::Better,
            Self::Panicked(_) | Self::Damaged(_) => Outlook::Same,
            Self::Database(error) => Outlook::of(error),
        }
    }

    /// Returns whether the error may have ended the transaction in which it happened.
    ///
    /// A broken constraint undoes only its statement. After other errors of the database, such as a full disk, SQLite
    /// may have rolled back the whole transaction, and what follows would run outside of it.
    pub(crate) fn breaks_transaction(&self) -> bool {
        match self {
            Self::Database(error @ (DbErr::Exec(_) | DbErr::Query(_))) => error.sql_err().is_none(),
            Self::Database(DbErr::Conn(_) | DbErr::ConnectionAcquire(_)) => true,
            _ => false,
        }
    }
}

/// Why the database could not be opened. Databases are named without their passwords.
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
    /// The database cannot be opened: it is not reachable, not writable, refuses the user, or is no database.
    /// [`Fault::find`](crate::Fault::find) tells which.
    #[error("cannot open the database {database}")]
    Open {
        /// The database.
        database: String,
        /// What the database reported.
        source: DbErr,
    },
    /// Its address cannot be used.
    #[error("cannot use the database {database}")]
    Url {
        /// The database.
        database: String,
        /// Why.
        source: InvalidDatabaseUrl,
    },
    /// The database for reading is of another kind than the one for writing.
    #[error("the databases {database} and {replica} are of different kinds: one must be a copy of the other")]
    OtherKind {
        /// The database for writing.
        database: String,
        /// The database for reading.
        replica: String,
    },
    /// The server is too old, or not set up to hold what is to be stored.
    #[error("the database {database} {problem}")]
    Unsuitable {
        /// The database.
        database: String,
        /// What is wrong with it, and what is needed.
        problem: String,
    },
    /// A newer version of this program has changed the tables so much that this version would misread them.
    #[error(
        "the database {database} was changed by a newer version of runbay: \
         only versions that know its table changes up to number {needed} can use it, this one knows {known}"
    )]
    Newer {
        /// The database.
        database: String,
        /// The number of the migration that a program must know.
        needed: u32,
        /// The number of the newest migration that this program knows.
        known: u32,
    },
    /// Another process has been changing the tables for too long.
    #[error("the tables of {database} are being changed by another runbay since more than {seconds} seconds")]
    Migrating {
        /// The database.
        database: String,
        /// How long this process has waited.
        seconds: u64,
    },
    /// A migration failed. MySQL and MariaDB may have done a part of it, which the next start completes; the other
    /// databases are unchanged.
    #[error("cannot bring the tables of {database} up to date")]
    Migrate {
        /// The database.
        database: String,
        /// What the database reported.
        source: DbErr,
    },
}
