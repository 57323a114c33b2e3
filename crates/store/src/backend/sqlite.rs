//! Opening SQLite files.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sea_orm::SqlxSqliteConnector;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

/// The number of reading connections. In WAL mode they never wait for the writer. More would only compete for the
/// cores.
const READERS: u32 = 4;

/// How long a statement waits for a lock, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(4);

/// The size to which the write-ahead log is cut back when it has grown beyond it.
const JOURNAL_SIZE_LIMIT: &str = "67108864";

/// Makes an empty file if there is none. Only its owner may read it, because it will hold the code of all users.
///
/// SQLite gives the same mode to the files that it makes beside it.
pub(crate) fn make_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens the one connection that writes.
pub(crate) async fn open_writer(path: &Path) -> Result<DatabaseConnection, DbErr> {
    connect(SqlitePoolOptions::new().max_connections(1), options(path)).await
}

/// Opens the connections that only read.
pub(crate) async fn open_readers(path: &Path) -> Result<DatabaseConnection, DbErr> {
    let options = options(path).pragma("query_only", "on");
    connect(SqlitePoolOptions::new().max_connections(READERS), options).await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose acknowledged transactions when the power fails. With group commit, FULL costs little.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
        .disable_statement_logging()
}

async fn connect(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> Result<DatabaseConnection, DbErr> {
    // Connections to a local file do not go stale, so they are not tested before use and not replaced by age.
    pool.test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
        .map(SqlxSqliteConnector::from_sqlx_sqlite_pool)
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}
