//! Routes under `/code-sessions`.

mod check;
mod close;
mod create;
mod executions;
mod files;
mod idempotency;
mod list;
mod pace;
mod read;
mod run;
mod save;
