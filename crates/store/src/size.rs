//! How large the database is.

use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm::Statement;

use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;

/// Pages that were freed do not count: new rows take them before the file grows.
const SQLITE: &str = "SELECT (page_count - freelist_count) * page_size AS bytes \
    FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";

const POSTGRES: &str = "SELECT pg_database_size(current_database()) AS bytes";

/// MariaDB tells what it knows now. MySQL tells what it knew when somebody asked first within
/// `information_schema_stats_expiry`, which is a day unless the operator has set it.
const MYSQL: &str = "SELECT CAST(COALESCE(SUM(data_length + index_length), 0) AS SIGNED) AS bytes \
    FROM information_schema.tables WHERE table_schema = DATABASE()";

impl Store {
    /// Returns how many bytes the rows take with their indexes, as far as the database knows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn stored_bytes(&self) -> Result<u64, StoreError> {
        let backend = self.readers().get_database_backend();
        let query = match backend {
            DbBackend::Postgres => POSTGRES,
            DbBackend::MySql => MYSQL,
            _ => SQLITE,
        };
        let row =
            read(async || Ok(self.readers().query_one_raw(Statement::from_string(backend, query)).await?)).await?;
        let bytes: Option<i64> = row.map(|row| row.try_get("", "bytes")).transpose()?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
    }
}
