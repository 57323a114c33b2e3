//! The way to the rows.

mod open;
mod settings;

use sea_orm::DatabaseConnection;
use sea_orm::EntityTrait;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;

pub use settings::DatabaseSettings;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::backend::deadline::read;
use crate::backend::server_writer::ServerWriter;
use crate::backend::sqlite_writer::SqliteWriter;
use crate::entities::execution;
use crate::sessions::WaitingSaves;

/// The rows of one database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    readers: DatabaseConnection,
    list_readers: DatabaseConnection,
    writer: Writer,
    waiting_saves: WaitingSaves,
}

/// Who applies commands.
#[derive(Debug, Clone)]
pub(crate) enum Writer {
    Sqlite(SqliteWriter),
    Server(ServerWriter),
}

impl Store {
    /// Applies a command and returns when it is durable.
    ///
    /// CANCEL: a command that was taken is applied even when its caller goes away.
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`] when the rows do not allow it; then it had no effect.
    pub async fn write<C: Command>(&self, command: C) -> Result<C::Answer, WriteError<C::Refusal>> {
        match &self.writer {
            Writer::Sqlite(writer) => writer.write(command).await,
            Writer::Server(writer) => writer.write(command).await,
        }
    }

    /// Checks that the database answers, by reading from a table.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        let id = execution::Entity::find().select_only().column(execution::Column::Id).limit(1);
        read(async || Ok(id.clone().into_tuple::<Uuid>().one(&self.readers).await?)).await.map(|_| ())
    }

    /// Applies what was asked for before, and closes the database; later writes are refused.
    pub async fn close(&self) {
        if let Writer::Sqlite(writer) = &self.writer {
            writer.close().await;
        }
        for connections in [&self.readers, &self.list_readers] {
            if let Err(error) = connections.close_by_ref().await {
                tracing::warn!(error = ?error, "the connections to the database did not close");
            }
        }
    }

    /// Returns connections for reads that must find whatever was written before.
    pub(crate) const fn readers(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// Returns connections for lists, which may lag a little behind.
    pub(crate) const fn list_readers(&self) -> &DatabaseConnection {
        &self.list_readers
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(crate) const fn waiting_saves(&self) -> &WaitingSaves {
        &self.waiting_saves
    }
}

#[cfg(test)]
pub(crate) mod tests;
