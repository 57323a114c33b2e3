//! Settings of the store.

use std::path::PathBuf;

use crate::DatabaseUrl;

/// The database to use, and its connections.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The database.
    pub url: DatabaseUrl,
    /// A copy of the database from which lists are read, if there is one. It may lag behind.
    pub read_url: Option<DatabaseUrl>,
    /// The directory of the SQLite file. Not used with a server.
    pub data_directory: PathBuf,
    /// The most connections to a server, and as many to its copy. Not used with SQLite.
    pub connections: u32,
}

impl DatabaseSettings {
    /// The default number. Five processes fit into PostgreSQL's usual hundred connections.
    pub const CONNECTIONS: u32 = 16;

    /// Returns the settings for the SQLite file of a directory.
    #[must_use]
    pub fn sqlite(data_directory: impl Into<PathBuf>) -> Self {
        Self {
            url: DatabaseUrl::SQLITE,
            read_url: None,
            data_directory: data_directory.into(),
            connections: Self::CONNECTIONS,
        }
    }
}
