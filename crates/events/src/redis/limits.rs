//! How much is kept.

use std::time::Duration;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct RedisEventBusLimits {
    /// Executions that one process remembers to publish or watch; those that ended first are forgotten first.
    pub executions: usize,
    /// An execution with fewer bytes is not remembered for being published, and its events go when they expire: to
    /// remember it takes about as much memory here as its events take at the server.
    pub remembered_bytes: usize,
    /// Events of one execution.
    pub events: usize,
    /// Bytes of one execution.
    pub bytes: usize,
    /// Bytes of all executions together that one process publishes.
    pub total_bytes: usize,
    /// How long events are kept while nothing more comes.
    pub expiry: Duration,
    /// How long events are kept after the result; from then on the row has everything.
    pub expiry_after_end: Duration,
}

impl Default for RedisEventBusLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            executions: 50_000,
            remembered_bytes: 1_024,
            events: 4_096,
            bytes: 4 * MIB,
            total_bytes: 64 * MIB,
            // Longer than any execution waits in the queue, and then than a client takes to come back.
            expiry: Duration::from_secs(24 * 3600),
            expiry_after_end: Duration::from_secs(60),
        }
    }
}
