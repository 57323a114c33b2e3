//! Rows: entities, migrations, and reads and writes by subject.
//!
//! A write is a [`Command`]: a value that says what is wanted and applies itself inside a transaction. On SQLite one
//! task applies all commands and commits many at a time; on a server database a command runs in its own transaction.
//! Everything here holds for SQLite, PostgreSQL and MySQL/MariaDB, except `sqlite.rs` and `sqlite_writer.rs`.
//!
//! This crate decides nothing: which move of an execution is legal says `runbay_model::next`, and when a write is
//! wanted says the engine.

mod command;
mod data_directory;
mod entities;
mod error;
mod executions;
mod idempotency;
mod migrations;
mod page;
mod panics;
mod sessions;
mod sqlite;
mod sqlite_writer;
mod store;

pub use command::Command;
pub use command::WriteError;
pub use command::Writes;
pub use data_directory::DataDirectory;
pub use data_directory::GiveError;
pub use data_directory::LockError;
pub use error::Fault;
pub use error::OpenError;
pub use error::Unavailable;
pub use executions::AcceptOneShot;
pub use executions::AcceptRefusal;
pub use executions::AcceptRun;
pub use executions::Acceptance;
pub use executions::CancelExecution;
pub use executions::CancelRefusal;
pub use executions::ClaimExecution;
pub use executions::Claimed;
pub use executions::ExecutionHead;
pub use executions::FinishExecution;
pub use executions::HandBackExecution;
pub use executions::LoseExecution;
pub use executions::Pace;
pub use executions::Stale;
pub use idempotency::ForgetExpiredKeys;
pub use idempotency::KeyedRequest;
pub use idempotency::Repetition;
pub use sessions::CloseSession;
pub use sessions::ClosedSession;
pub use sessions::InsertSession;
pub use sessions::SaveRefusal;
pub use sessions::SaveSession;
pub use sessions::SessionNotFound;
pub use store::Store;
