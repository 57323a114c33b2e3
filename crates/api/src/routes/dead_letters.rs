//! Routes under `/dead-letters`.

pub(super) mod forget;
pub(super) mod list;
pub(super) mod requeue;
