//! Looking at executions: reads, lists, waits, and the events that watchers get.

pub(crate) mod announce;
pub(crate) mod lists;
pub(crate) mod read;
pub(crate) mod wait;
