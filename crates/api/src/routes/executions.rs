//! Routes under `/executions`.

pub(super) mod accepted;
pub(super) mod batch;
pub(super) mod body;
pub(super) mod cancel;
pub(super) mod create;
mod event;
pub(super) mod events;
mod frame;
pub(super) mod join;
mod message;
pub(crate) mod query;
pub(super) mod read;
pub(super) mod read_many;
mod test_result;
mod text;
