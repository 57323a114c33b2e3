//! Rows: entities, migrations, and reads and writes by subject.
//!
//! A write is a [`Command`]: a value that says what is wanted and applies itself inside a transaction. On SQLite one
//! task applies all commands and commits many at a time. On a server each command has its own transaction, and runs
//! again when transactions got in each other's way. Everything here holds for SQLite, PostgreSQL and MySQL/MariaDB
//! alike, except the files in `backend` that are named after one of them.
//!
//! This crate decides nothing: `runbay_model::next` says which move of an execution is legal, and the engine says when
//! a write is wanted.

mod backend;
mod backup;
mod clock;
mod command;
mod entities;
mod error;
mod executions;
mod idempotency;
mod migrations;
mod page;
mod retention;
mod sessions;
mod size;
mod store;
mod workers;

pub use backend::data_directory::DataDirectory;
pub use backend::data_directory::GiveError;
pub use backend::data_directory::LockError;
pub use backend::database_url::DatabaseUrl;
pub use backend::database_url::InvalidDatabaseUrl;
pub use backend::fault::Fault;
pub use backend::fault::Outlook;
pub use backup::CopyContents;
pub use backup::CopyError;
pub use backup::CopySource;
pub use backup::Restored;
pub use backup::backup;
pub use backup::restore;
pub use command::Command;
pub use command::WriteError;
pub use command::Writes;
pub use error::OpenError;
pub use error::StoreError;
pub use executions::AcceptOneShot;
pub use executions::AcceptRefusal;
pub use executions::AcceptRun;
pub use executions::Acceptance;
pub use executions::CancelExecution;
pub use executions::CancelRefusal;
pub use executions::ClaimExecution;
pub use executions::Claimed;
pub use executions::DeadLetter;
pub use executions::DeadLetterNotFound;
pub use executions::DeleteDeadLetter;
pub use executions::EraseExecution;
pub use executions::ExecutionHead;
pub use executions::ExecutionNotFound;
pub use executions::FinishExecution;
pub use executions::HandBackExecution;
pub use executions::LeaseExpired;
pub use executions::LoseExecution;
pub use executions::Pace;
pub use executions::ReclaimExecution;
pub use executions::RequeueDeadLetter;
pub use executions::RequeueRefusal;
pub use executions::SettleExecution;
pub use executions::Stale;
pub use idempotency::ForgetExpiredKeys;
pub use idempotency::KeyedRequest;
pub use idempotency::Repetition;
pub use retention::RemoveEndedExecutions;
pub use retention::RemoveIdleSessions;
pub use retention::RemovedSessions;
pub use sessions::CloseSession;
pub use sessions::ClosedSession;
pub use sessions::EraseSession;
pub use sessions::ErasedSome;
pub use sessions::InsertSession;
pub use sessions::OpenSessionOnce;
pub use sessions::Opened;
pub use sessions::SaveRefusal;
pub use sessions::SaveSession;
pub use sessions::SessionKeyReused;
pub use sessions::SessionNotFound;
pub use store::DatabaseSettings;
pub use store::Store;
pub use workers::RemoveDeadWorkers;
pub use workers::RenewWorker;
pub use workers::SeenWorker;
pub use workers::StopWorker;
pub use workers::Worker;
