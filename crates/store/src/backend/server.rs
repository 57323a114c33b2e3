//! Connections to PostgreSQL, MySQL and MariaDB.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DbBackend;
use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sea_orm::Statement;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Database;
use sqlx::Executor;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use crate::OpenError;
use crate::backend::database_url::Server;
use crate::backend::deadline::CALL;
use crate::backend::deadline::in_time;

/// How long a used connection needs no test.
const FRESH: Duration = Duration::from_secs(1);

/// How long a test of a connection may take.
const TEST: Duration = Duration::from_secs(2);

const IDLE: Duration = Duration::from_secs(30);

/// The settings of a new connection.
///
/// A wait for a lock is shorter than a statement may take, and a statement is shorter than any caller waits, so the
/// server gives up first and says why. A process that is frozen within a transaction must not keep rows locked. Without
/// bitmap scans, the newest rows of a session are read in order. PostgreSQL assumes that every session has few rows,
/// because most have, and would read all rows of a large one first.
const POSTGRES_SESSION: &str = "\
    SET lock_timeout = '3s'; SET statement_timeout = '4s'; SET idle_in_transaction_session_timeout = '5s'; \
    SET default_transaction_isolation = 'read committed'; SET timezone = 'UTC'; SET enable_bitmapscan = off";

/// The same settings for MySQL and MariaDB. Each takes the special comments of the other for comments.
///
/// MySQL ends only statements that read. A text that is too long must be an error and not be cut.
const MYSQL_SESSION: &str = "\
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
    SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES'), wait_timeout = 60, innodb_lock_wait_timeout = 3 \
    /*M! , max_statement_time = 4, idle_transaction_timeout = 5 */ /*!50708 , max_execution_time = 4000 */";

/// The statement for a connection that returns to the pool, instead of a ping.
///
/// A caller who gave up while a transaction began has left that transaction open without a trace on this side. A later
/// write on the connection would be lost. This statement then fails on PostgreSQL, because the time of a transaction is
/// that of its first statement (PostgreSQL's documentation, "Date/Time Functions"), and the connection is closed.
const POSTGRES_RELEASE: &str = "SELECT 1 / (now() = statement_timestamp())::int";
const MYSQL_RELEASE: &str = "ROLLBACK";

/// The settings for changes of tables, which have no time limit. Values must be stored in the same way as at other
/// times.
const MYSQL_MIGRATION_SESSION: &str = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')";

/// The size of packet that the server must allow, for the longest row.
const PACKET_BYTES: u64 = 16 * 1024 * 1024;

/// Makes a pool of connections. Each is opened when it is needed.
pub(crate) fn pool(server: Server, connections: u32) -> DatabaseConnection {
    match server {
        Server::Postgres(options) => {
            let pool: PgPoolOptions = pool_options(connections, POSTGRES_SESSION, POSTGRES_RELEASE);
            pool.connect_lazy_with(options.application_name("runbay")).into()
        }
        Server::MySql(options) => {
            let pool: MySqlPoolOptions = pool_options(connections, MYSQL_SESSION, MYSQL_RELEASE);
            pool.connect_lazy_with(*options).into()
        }
    }
}

/// Opens the one connection that changes tables, or returns why that is not possible.
pub(crate) async fn pinned(server: Server) -> Result<DatabaseConnection, DbErr> {
    // A pool would report only that it waited, so the first connection is opened without one.
    let connected = async {
        match &server {
            Server::Postgres(options) => options.connect().await?.close().await,
            Server::MySql(options) => options.connect().await?.close().await,
        }
    };
    in_time(async { connected.await.map_err(connection_error) }).await?;
    match server {
        Server::Postgres(options) => {
            let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CALL);
            pool.connect_with(*options).await.map(Into::into)
        }
        Server::MySql(options) => {
            let pool = MySqlPoolOptions::new().max_connections(1).acquire_timeout(CALL);
            let pool = pool.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(MYSQL_MIGRATION_SESSION).await.map(drop) })
            });
            pool.connect_with(*options).await.map(Into::into)
        }
    }
    .map_err(connection_error)
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn pool_options<D>(connections: u32, session: &'static str, release: &'static str) -> PoolOptions<D>
where
    D: Database,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    PoolOptions::<D>::new()
        .max_connections(connections)
        .acquire_timeout(CALL)
        .idle_timeout(IDLE)
        .after_connect(move |connection, _| Box::pin(async move { connection.execute(session).await.map(drop) }))
        .test_before_acquire(false)
        .before_acquire(|connection, connections| {
            Box::pin(async move {
                if connections.idle_for >= FRESH {
                    tested(connection.ping()).await?;
                }
                Ok(true)
            })
        })
        // The pool's own test has no deadline. While a server is silent, all connections would get stuck in it.
        .after_release(move |connection, _| {
            Box::pin(async move { tested(connection.execute(release)).await.map(|_| true) })
        })
}

async fn tested<T>(test: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(TEST, test).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Checks that a server is new enough and set up to store the rows.
pub(crate) async fn check(connection: &DatabaseConnection, database: &str) -> Result<(), OpenError> {
    let failed = |source| OpenError::Open { database: database.to_owned(), source };
    let unsuitable = |problem| Err(OpenError::Unsuitable { database: database.to_owned(), problem });
    let version: String = in_time(value(connection, "SELECT VERSION()")).await.map_err(failed)?;
    if let Err(needed) = check_version(connection.get_database_backend(), &version) {
        return unsuitable(format!("is {version:?}, and {needed} is needed"));
    }
    if connection.get_database_backend() == DbBackend::MySql {
        let packet = in_time(value::<u64>(connection, "SELECT @@max_allowed_packet")).await.map_err(failed)?;
        if packet < PACKET_BYTES {
            return unsuitable(format!(
                "takes no packets of more than {packet} bytes: set max_allowed_packet to {PACKET_BYTES} or more"
            ));
        }
    }
    Ok(())
}

async fn value<T: sea_orm::TryGetable>(connection: &DatabaseConnection, query: &str) -> Result<T, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let row = connection.query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(query.to_owned()))?.try_get_by_index(0)
}

/// Checks that a version is new enough. The error is the version that is needed.
fn check_version(backend: DbBackend, version: &str) -> Result<(), &'static str> {
    let (number, least, needed) = match backend {
        DbBackend::Postgres => (version.trim_start_matches("PostgreSQL "), (15, 0), "PostgreSQL 15 or newer"),
        // Some servers put 5.5.5- first, for old clients.
        _ if version.contains("MariaDB") => (version.trim_start_matches("5.5.5-"), (10, 6), "MariaDB 10.6 or newer"),
        _ => (version, (8, 0), "MySQL 8.0 or newer"),
    };
    let mut parts = number.split(|letter: char| !letter.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let found = (parts.next(), parts.next().unwrap_or(0));
    match found {
        (Some(major), minor) if (major, minor) < least => Err(needed),
        // A version that cannot be read belongs to a compatible server.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        for (backend, version, accepted) in [
            (DbBackend::Postgres, "PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64", true),
            (DbBackend::Postgres, "PostgreSQL 18beta1 on x86_64", true),
            (DbBackend::Postgres, "PostgreSQL 14.9 on x86_64", false),
            (DbBackend::Postgres, "CockroachDB CCL v23.1", true),
            (DbBackend::MySql, "8.0.36", true),
            (DbBackend::MySql, "5.7.44-log", false),
            (DbBackend::MySql, "10.11.6-MariaDB-0+deb12u1", true),
            (DbBackend::MySql, "5.5.5-10.6.1-MariaDB", true),
            (DbBackend::MySql, "10.5.23-MariaDB", false),
        ] {
            assert_eq!(check_version(backend, version).is_ok(), accepted, "{version}");
        }
    }
}
