//! The databases: addresses, connections, writers and faults.

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
