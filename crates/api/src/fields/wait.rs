//! `wait_ms`

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// The largest `wait_ms`.
const MAX_WAIT_MS: u64 = 60_000;

/// The time for which a client waits for the end of an execution.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Wait(Duration);

/// Says that a text is no wait.
#[derive(Debug)]
pub(crate) struct InvalidWait;

impl Wait {
    /// Returns the time.
    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Wait {
    type Error = InvalidWait;

    fn try_from(text: String) -> Result<Self, InvalidWait> {
        match text.parse() {
            Ok(wait_ms @ 0..=MAX_WAIT_MS) => Ok(Self(Duration::from_millis(wait_ms))),
            Ok(_) | Err(_) => Err(InvalidWait),
        }
    }
}

impl fmt::Display for InvalidWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be an integer from 0 to {MAX_WAIT_MS}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_most_a_minute() {
        let wait = |text: &str| Wait::try_from(text.to_owned());
        assert_eq!(wait("60000").unwrap().duration(), Duration::from_secs(60));
        for wrong in ["60001", "-1", "soon", "", "1.5", "1e3", "99999999999999999999999"] {
            assert_eq!(wait(wrong).unwrap_err().to_string(), "must be an integer from 0 to 60000", "{wrong}");
        }
    }
}
