//! Which database, and how much of it.

use std::path::PathBuf;

use crate::DatabaseUrl;

/// Where the rows are and how they are reached.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The database.
    pub url: DatabaseUrl,
    /// A copy of the database that lists are read from, if there is one; it may lag behind.
    pub read_url: Option<DatabaseUrl>,
    /// The directory of the SQLite file; not used with a server.
    pub data_directory: PathBuf,
    /// The most connections to a server, and to a copy of it each; not used with SQLite.
    pub connections: u32,
}

impl DatabaseSettings {
    /// Few enough for five processes and PostgreSQL's usual hundred connections.
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
