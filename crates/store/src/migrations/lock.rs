//! The lock of the process that changes the tables.

use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::DbBackend;
use sea_orm::Statement;

use super::MigrateError;
use super::WAIT_SECONDS;
use crate::backend::fault::Passing;

/// A number that no other program is likely to use.
const POSTGRES_KEY: i64 = 0x7275_6e62_6179;

/// Waits for the lock, and holds it until the transaction or its connection ends.
///
/// The data directory of SQLite has a lock of its own.
pub(super) async fn hold(transaction: &DatabaseTransaction) -> Result<(), MigrateError> {
    match transaction.get_database_backend() {
        DbBackend::Postgres => {
            let wait = format!("SET LOCAL lock_timeout = '{WAIT_SECONDS}s'");
            transaction.execute_unprepared(&wait).await?;
            let lock = format!("SELECT pg_advisory_xact_lock({POSTGRES_KEY})");
            match transaction.execute_unprepared(&lock).await {
                Err(error) if Passing::of(&error) == Some(Passing::Collision) => return Err(MigrateError::Locked),
                result => result?,
            };
        }
        DbBackend::MySql => {
            // The names of locks are shared by the whole server, and are short.
            let lock = format!("SELECT GET_LOCK(CONCAT('runbay-', SHA1(DATABASE())), {WAIT_SECONDS})");
            let row = transaction.query_one_raw(Statement::from_string(DbBackend::MySql, lock)).await?;
            let held: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
            if held != Some(1) {
                return Err(MigrateError::Locked);
            }
        }
        _ => {}
    }
    Ok(())
}
