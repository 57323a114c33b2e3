//! The worker: takes queued executions, runs them, and reports what came of them.
//!
//! It runs as many at a time as it has slots, takes nothing more once it is told to stop, and gives what is running
//! then some time to end before it hands it back. Its row says that it lives; while it
//! is renewed in time, what the worker has claimed is its own. Checks do not pass through the queue: they have slots of their own.
//! The crate knows no HTTP and decides nothing about the life cycle.

mod attempt;
mod checker;
mod claims;
mod executor;
mod heartbeat;
mod worker;

pub use checker::CheckerSettings;
pub use checker::RunnerChecker;
pub use executor::Executor;
pub use worker::Alive;
pub use worker::Worker;
pub use worker::WorkerSettings;

#[cfg(test)]
mod tests;
