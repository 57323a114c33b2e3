//! The queue of wake-ups: places in it, and the entry that stands for a row.

pub(crate) mod entry;
pub(crate) mod places;
