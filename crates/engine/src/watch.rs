//! Watching executions: reads, lists, waits, and the events for watchers.

pub(crate) mod announce;
pub(crate) mod broadcast;
pub(crate) mod lists;
pub(crate) mod read;
mod replay;
pub(crate) mod told;
pub(crate) mod wait;
pub(crate) mod watcher;
