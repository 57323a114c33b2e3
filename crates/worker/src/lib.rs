//! The worker: takes queued executions, runs them and reports their results.
//!
//! A worker runs as many executions at a time as it has slots. Once it is told to stop, it takes no more, gives the
//! running ones some time to end and hands the rest back. Its claims hold as long as it renews its row in time. Checks
//! do not pass through the queue and have slots of their own. The crate knows no HTTP and decides nothing about the
//! life cycle.

mod attempt;
mod broadcast;
mod checker;
mod claims;
mod executor;
mod heartbeat;
mod participants;
mod worker;

pub use checker::CheckerSettings;
pub use checker::RunnerChecker;
pub use executor::Executor;
pub use worker::Alive;
pub use worker::Worker;
pub use worker::WorkerSettings;

#[cfg(test)]
mod tests;
