//! Routes under `/executions`.

pub(super) mod body;
pub(super) mod cancel;
mod message;
pub(super) mod query;
pub(super) mod read;
pub(super) mod read_many;
mod text;
