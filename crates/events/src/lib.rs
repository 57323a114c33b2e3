//! What happens to an execution, told to those who watch it.
//!
//! Events are numbered per execution and kept for a while, so a watcher who comes late or again sees them all. They are
//! a convenience: the row is the truth, and an event that is lost changes nothing. A slow watcher never holds up the
//! execution and costs no memory of its own.

mod bus;
mod event;
mod memory;
mod rank;
mod redis;

pub use bus::EventBus;
pub use bus::EventsError;
pub use bus::Subscription;
pub use event::Event;
pub use event::EventKind;
pub use memory::MemoryEventBus;
pub use memory::MemoryEventBusLimits;
pub use redis::RedisEventBus;
pub use redis::RedisEventBusLimits;
pub use runbay_model::OutputStream;

#[cfg(test)]
mod suite;
