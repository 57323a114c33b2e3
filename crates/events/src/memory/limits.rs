//! How much a bus in memory keeps.

/// How much a bus in memory keeps.
#[derive(Debug, Clone, Copy)]
pub struct MemoryEventBusLimits {
    /// Executions that are remembered; ended ones are forgotten first.
    pub executions: usize,
    /// Events of one execution.
    pub events: usize,
    /// Bytes of one execution.
    pub bytes: usize,
    /// Bytes of all executions together.
    pub total_bytes: usize,
}

impl Default for MemoryEventBusLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        // Enough for all that may be queued and running, and for the whole output of one run in small pieces.
        Self { executions: 20_000, events: 16_384, bytes: 4 * MIB, total_bytes: 256 * MIB }
    }
}
