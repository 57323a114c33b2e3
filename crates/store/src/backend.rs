//! The databases: their addresses, opening and writing to them, and what goes wrong with them.

pub(crate) mod connections;
pub(crate) mod data_directory;
pub(crate) mod database_url;
pub(crate) mod deadline;
pub(crate) mod fault;
pub(crate) mod panics;
pub(crate) mod server;
pub(crate) mod server_writer;
pub(crate) mod sqlite;
pub(crate) mod sqlite_writer;
