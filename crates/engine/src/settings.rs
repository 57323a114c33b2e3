//! Choices of the operator.

use std::time::Duration;

use runbay_model::LimitRanges;
use runbay_store::Pace;

/// Choices of the operator.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// How many executions may wait.
    pub queue_max_depth: usize,
    /// Whether executions are refused while the queue does not answer; otherwise they are accepted and wait for it.
    pub require_queue: bool,
    /// How many attempts an execution gets.
    pub attempts_allowed: u32,
    /// The wait before the first retry of a lost attempt; it doubles with each attempt.
    pub retry_base: Duration,
    /// How often a session may be run.
    pub pace: Pace,
    /// The range in which requests may choose each limit.
    pub limit_ranges: LimitRanges,
    /// How long a worker counts as alive after it last renewed its row; the same in all processes over one database.
    pub lease: Duration,
    /// How long a cancellation waits for what its program has written.
    pub stop_patience: Duration,
    /// How often to look for what was lost.
    pub sweep: Duration,
    /// How long to keep what has ended.
    pub retention: Retention,
    /// How much may be stored.
    pub storage: StorageBounds,
    /// How many checks are under way at one time. None for as many as the workers of the database have slots.
    pub check_slots: Option<usize>,
}

/// How much may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageBounds {
    /// The size of the database in bytes at which nothing new is stored. None for no bound.
    pub max_bytes: Option<u64>,
    /// The bytes that one client may add within an hour. None for any number.
    pub client_hourly_bytes: Option<u64>,
}

/// How long to keep what has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Executions, counted from their end.
    pub executions: Duration,
    /// Sessions, counted from the last change, and no less than their executions.
    pub sessions: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            queue_max_depth: 10_000,
            require_queue: false,
            attempts_allowed: 3,
            retry_base: Duration::from_millis(100),
            pace: Pace { runs_per_minute: 60, cooldown: Duration::ZERO },
            limit_ranges: LimitRanges::default(),
            lease: Duration::from_secs(10),
            stop_patience: Duration::from_secs(3),
            sweep: Duration::from_secs(2),
            retention: Retention::default(),
            storage: StorageBounds::default(),
            check_slots: Some(2),
        }
    }
}

impl Default for StorageBounds {
    fn default() -> Self {
        Self { max_bytes: Some(100 << 30), client_hourly_bytes: Some(1 << 30) }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { executions: 30 * DAY, sessions: 90 * DAY }
    }
}
