//! The connections to one database.

use sea_orm::DatabaseConnection;
use sea_orm::EntityTrait;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::backend::deadline::read;
use crate::backend::server_writer::ServerWriter;
use crate::backend::sqlite_writer::SqliteWriter;
use crate::entities::execution;

/// The connections to one database. It is cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    /// For reads that must find everything that was written before.
    pub(crate) readers: DatabaseConnection,
    /// For lists, which may lag a little behind.
    pub(crate) list_readers: DatabaseConnection,
    pub(crate) writer: Writer,
}

/// The writer of a database. It applies commands.
#[derive(Debug, Clone)]
pub(crate) enum Writer {
    Sqlite(SqliteWriter),
    Server(ServerWriter),
}

impl Connections {
    /// Applies a command. Returns when it is durable.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Result<C::Answer, WriteError<C::Refusal>> {
        match &self.writer {
            Writer::Sqlite(writer) => writer.write(command).await,
            Writer::Server(writer) => writer.write(command).await,
        }
    }

    /// Checks that the database answers, by reading from a table.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        let id = execution::Entity::find().select_only().column(execution::Column::Id).limit(1);
        read(async || Ok(id.clone().into_tuple::<Uuid>().one(&self.readers).await?)).await.map(|_| ())
    }

    /// Applies all earlier commands and closes the database. Later writes are refused.
    pub(crate) async fn close(&self) {
        if let Writer::Sqlite(writer) = &self.writer {
            writer.close().await;
        }
        for connections in [&self.readers, &self.list_readers] {
            if let Err(error) = connections.close_by_ref().await {
                tracing::debug!(error = ?error, "the connections to the database did not close");
            }
        }
    }
}
