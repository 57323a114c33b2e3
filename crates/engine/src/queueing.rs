//! The queue of wake-ups: places in it, the entry that stands for a row, and whose entries wait.

pub(crate) mod entry;
pub(crate) mod places;
pub(crate) mod waiting;
