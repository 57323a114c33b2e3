//! The way to the rows.

use std::path::Path;
use std::path::PathBuf;

use sea_orm::DatabaseConnection;
use sea_orm::EntityTrait;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;

use crate::Command;
use crate::OpenError;
use crate::Unavailable;
use crate::WriteError;
use crate::entities::execution;
use crate::migrations::MigrateError;
use crate::migrations::migrate;
use crate::migrations::reset;
use crate::sqlite::make_file;
use crate::sqlite::open_readers;
use crate::sqlite::open_writer;
use crate::sqlite_writer::SqliteWriter;

const SQLITE_FILE: &str = "runbay.db";

/// The rows of one database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    readers: DatabaseConnection,
    writer: SqliteWriter,
}

impl Store {
    /// Opens the SQLite database in `directory`, makes it when there is none, and brings its tables up to date.
    ///
    /// The caller holds the [`DataDirectory`](crate::DataDirectory), as two writing processes would get in each
    /// other's way.
    ///
    /// # Errors
    ///
    /// [`OpenError::Newer`] when a newer version of this program has changed the tables.
    pub async fn open_sqlite(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(SQLITE_FILE);
        let connection = open_or_make(&path).await?;
        migrate(&connection).await.map_err(|error| match error {
            MigrateError::Newer(migration) => OpenError::Newer { path: path.clone(), migration },
            MigrateError::Failed(source) => OpenError::Migrate { path: path.clone(), source },
        })?;
        let readers = open_readers(&path).await.map_err(cannot_open(&path))?;
        Ok(Self { readers, writer: SqliteWriter::start(&path, connection) })
    }

    /// Drops all tables of the SQLite database in `directory` and makes them anew; everything in them is lost.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the file cannot be opened or changed. A database of a newer version is no error.
    pub async fn reset_sqlite(directory: &Path) -> Result<(), OpenError> {
        let path = directory.join(SQLITE_FILE);
        let connection = open_or_make(&path).await?;
        reset(&connection).await.map_err(|source| OpenError::Migrate { path: path.clone(), source })?;
        connection.close().await.map_err(cannot_open(&path))
    }

    /// Applies a command and returns when it is durable.
    ///
    /// CANCEL: a command that was taken is applied even when its caller goes away.
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`] when the rows do not allow it; then it had no effect.
    pub async fn write<C: Command>(&self, command: C) -> Result<C::Answer, WriteError<C::Refusal>> {
        self.writer.write(command).await
    }

    /// Checks that the database answers, by reading from a table.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when it does not.
    pub async fn check(&self) -> Result<(), Unavailable> {
        let id = execution::Entity::find().select_only().column(execution::Column::Id);
        id.into_tuple::<Uuid>().one(&self.readers).await?;
        Ok(())
    }

    /// Applies what was asked for before, and closes the database; later writes are refused.
    pub async fn close(&self) {
        self.writer.close().await;
        if let Err(error) = self.readers.close_by_ref().await {
            tracing::warn!(error = ?error, "the reading connections did not close");
        }
    }

    pub(crate) const fn readers(&self) -> &DatabaseConnection {
        &self.readers
    }
}

#[cfg(test)]
impl Store {
    pub(crate) const fn writer(&self) -> &SqliteWriter {
        &self.writer
    }

    /// Returns how SQLite would run a query.
    pub(crate) async fn plan<E: EntityTrait>(&self, query: sea_orm::Select<E>) -> String {
        use sea_orm::ConnectionTrait;
        use sea_orm::QueryTrait;

        let mut statement = query.build(sea_orm::DbBackend::Sqlite);
        statement.sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let rows = self.readers.query_all_raw(statement).await.expect("a valid query");
        let steps = rows.iter().map(|row| row.try_get("", "detail").expect("a step has its text"));
        steps.collect::<Vec<String>>().join("; ")
    }
}

async fn open_or_make(path: &Path) -> Result<DatabaseConnection, OpenError> {
    make_file(path).map_err(|source| OpenError::Make { path: path.to_owned(), source })?;
    open_writer(path).await.map_err(cannot_open(path))
}

fn cannot_open(path: &Path) -> impl FnOnce(sea_orm::DbErr) -> OpenError {
    let path: PathBuf = path.to_owned();
    move |source| OpenError::Open { path, source }
}

#[cfg(test)]
mod tests;
