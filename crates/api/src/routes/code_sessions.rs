//! Routes under `/code-sessions`.

mod body;
pub(super) mod check;
pub(super) mod close;
pub(super) mod create;
pub(super) mod executions;
pub(super) mod list;
pub(super) mod read;
pub(super) mod run;
pub(super) mod save;
