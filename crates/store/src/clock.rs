//! The clock that all processes over one database share.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;

use crate::entities::micros;

/// Returns the database's present time in microseconds since 1970.
pub(crate) fn database_now(backend: DbBackend) -> Expr {
    Expr::cust(match backend {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        // Sessions are in UTC, so that no hour comes twice.
        DbBackend::MySql => "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
        _ => "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)",
    })
}

/// Returns the time that is so long before the database's present time.
pub(crate) fn database_time_before(backend: DbBackend, duration: Duration) -> Expr {
    database_now(backend).sub(micros(duration))
}
