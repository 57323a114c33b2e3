//! Wake-ups for workers: which execution is to be run next.
//!
//! A queue holds ids in order and nothing else: the row is the truth, so an entry that is lost is put back from the
//! rows, and one that is handed out twice is claimed once. Admission control lives here too, as a place in the queue
//! is reserved before the row is written. Nothing here reads rows or runs anything.

mod memory;
mod queue;

pub use memory::MemoryQueue;
pub use queue::Entry;
pub use queue::Place;
pub use queue::Queue;
pub use queue::ReserveError;
pub use queue::Unavailable;

#[cfg(test)]
mod suite;
