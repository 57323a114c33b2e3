//! Wake-ups for workers: which execution is to be run next.
//!
//! A queue holds ids in order and nothing else. The row is the truth: an entry that is lost is put back from the rows,
//! and one that is handed out twice is claimed once. Admission control lives here too, as a place in the queue is
//! reserved before the row is written. Nothing here reads rows or runs anything.
//!
//! The order is fair (start-time fair queueing, one order for each lane). Everybody who shares the service is a
//! flow, whose entries take turns with those of other flows, however many it has. Virtual time counts how far the order
//! has been worked off, in turns of weight one. An entry's turn is the last turn of its flow, or virtual time if that
//! is later, plus one divided by its weight. The lowest turn is next, and of equal turns the older execution. Each
//! priority of a flow takes turns of its own, so a flow's urgent entries do not wait for its others.

mod entry;
mod lane;
mod memory;
mod queue;
mod redis;

pub use entry::Entry;
pub use entry::Flow;
pub use entry::Taken;
pub use entry::Turn;
pub use lane::Lane;
pub use memory::MemoryQueue;
pub use queue::Consumer;
pub use queue::MAX_MISSING;
pub use queue::Place;
pub use queue::Queue;
pub use queue::QueueError;
pub use queue::ReserveError;
pub use redis::RedisQueue;

#[cfg(test)]
mod suite;
