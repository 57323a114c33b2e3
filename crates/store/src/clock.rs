//! The clock that all processes over one database share.

use std::time::Duration;

use runbay_model::Timestamp;
use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm::DbErr;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Query;

use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;
use crate::entities::micros;

impl Store {
    /// Returns the database's present time, which is the same for all processes over it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        let query = Query::select().expr(database_now(self.readers().get_database_backend())).take();
        let row = read(async || Ok(self.readers().query_one(&query).await?)).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("the present time".to_owned()))?;
        Ok(Timestamp::from_micros(row.try_get_by_index(0)?))
    }
}

/// Returns the database's present time in microseconds since 1970.
pub(crate) fn database_now(backend: DbBackend) -> Expr {
    Expr::cust(match backend {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        // Sessions are in UTC, so that no hour comes twice.
        DbBackend::MySql => "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
        _ => "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)",
    })
}

/// Returns the time that lies this long before the database's present time.
pub(crate) fn database_time_before(backend: DbBackend, duration: Duration) -> Expr {
    database_now(backend).sub(micros(duration))
}
