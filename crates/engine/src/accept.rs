//! Accepting executions: runs of sessions, one-shot executions, and dead letters that are tried again.

pub(crate) mod dead_letters;
pub(crate) mod idempotency;
pub(crate) mod request;
pub(crate) mod submit;
