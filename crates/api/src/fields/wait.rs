//! `wait_ms`

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// The largest `wait_ms`.
const MAX_WAIT_MS: u64 = 60_000;

/// The time for which a client waits for the end of an execution.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Wait(Duration);

/// Says that a wait is too long.
#[derive(Debug)]
pub(crate) struct WaitTooLong;

impl Wait {
    /// Returns the time.
    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<u64> for Wait {
    type Error = WaitTooLong;

    fn try_from(wait_ms: u64) -> Result<Self, WaitTooLong> {
        if wait_ms > MAX_WAIT_MS { Err(WaitTooLong) } else { Ok(Self(Duration::from_millis(wait_ms))) }
    }
}

impl fmt::Display for WaitTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be between 0 and {MAX_WAIT_MS}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_most_a_minute() {
        assert_eq!(Wait::try_from(60_000).unwrap().duration(), Duration::from_secs(60));
        assert_eq!(Wait::try_from(60_001).unwrap_err().to_string(), "must be between 0 and 60000");
    }
}
