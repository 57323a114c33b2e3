//! Routes under `/executions`.

pub(super) mod body;
pub(super) mod cancel;
mod message;
pub(super) mod query;
pub(super) mod read;
mod text;
