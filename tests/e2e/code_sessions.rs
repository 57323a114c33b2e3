//! Routes under `/code-sessions`.

mod close;
mod create;
mod read;
mod run;
mod save;
