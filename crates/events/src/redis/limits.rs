//! How much a bus over Redis keeps.

use std::time::Duration;

/// How much a bus over Redis keeps.
#[derive(Debug, Clone, Copy)]
pub struct RedisEventBusLimits {
    /// Executions that one process remembers to publish or watch; ended ones are forgotten first.
    pub executions: usize,
    /// Bytes from which on an execution that is published is remembered. Events of smaller ones stay until they expire,
    /// as remembering them here would take as much memory as the events take at the server.
    pub remembered_bytes: usize,
    /// Events of one execution.
    pub events: usize,
    /// Bytes of one execution.
    pub bytes: usize,
    /// Bytes of all executions that one process publishes.
    pub total_bytes: usize,
    /// How long events are kept after the newest one.
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
            events: 16_384,
            bytes: 4 * MIB,
            total_bytes: 64 * MIB,
            // Longer than any execution waits in the queue, and then longer than a client takes to come back.
            expiry: Duration::from_secs(24 * 3600),
            expiry_after_end: Duration::from_secs(60),
        }
    }
}
