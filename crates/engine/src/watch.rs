//! Watching executions: reads, lists, waits, and the events for watchers.

pub(crate) mod announce;
pub(crate) mod lists;
pub(crate) mod read;
pub(crate) mod wait;
