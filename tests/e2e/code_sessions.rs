//! Routes under `/code-sessions`.

mod close;
mod create;
mod executions;
mod idempotency;
mod list;
mod pace;
mod read;
mod run;
mod save;
