//! The store, through which all rows are read and written.

mod open;
mod settings;

use sea_orm::DatabaseConnection;

pub use settings::DatabaseSettings;

use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::backend::connections::Connections;
use crate::sessions::WaitingSaves;

/// The rows of one database. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Connections,
    waiting_saves: WaitingSaves,
}

impl Store {
    /// Applies a command. Returns when it is durable.
    ///
    /// CANCEL: a command that was taken is applied even if its caller goes away.
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`] when the rows do not allow the command, which then has no effect.
    pub async fn write<C: Command>(&self, command: C) -> Result<C::Answer, WriteError<C::Refusal>> {
        self.connections.write(command).await
    }

    /// Checks that the database answers, by reading from a table.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.connections.check().await
    }

    /// Applies all earlier commands and closes the database. Later writes are refused.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// Returns connections for reads that must find everything that was written before.
    pub(crate) const fn readers(&self) -> &DatabaseConnection {
        &self.connections.readers
    }

    /// Returns connections for lists, which may lag a little behind.
    pub(crate) const fn list_readers(&self) -> &DatabaseConnection {
        &self.connections.list_readers
    }

    pub(crate) const fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(crate) const fn waiting_saves(&self) -> &WaitingSaves {
        &self.waiting_saves
    }
}

#[cfg(test)]
pub(crate) mod tests;
