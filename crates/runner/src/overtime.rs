//! What is said of programs that ran too long.

use std::time::Duration;

use crate::amount::seconds;

/// The least time beyond the limit that is worth a word, in milliseconds. To stop a program takes some, too.
const LEAST_MS: u64 = 50;

/// Says that something ran longer than its limit. Whoever compares that with the time it had reads why it had more.
pub(crate) fn ran_too_long(wall: Duration, limit_ms: u64) -> String {
    let limit = seconds(limit_ms);
    let overtime_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX).saturating_sub(limit_ms);
    if overtime_ms < LEAST_MS {
        return format!("ran longer than {limit} and was stopped");
    }
    let overtime = seconds(overtime_ms);
    format!(
        "ran longer than {limit} and was stopped; {overtime} that it waited for a CPU of the busy host did not count"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_beyond_the_limit_is_explained() {
        let said = |wall_ms| ran_too_long(Duration::from_millis(wall_ms), 500);
        assert_eq!(said(15), "ran longer than 500 ms and was stopped");
        assert_eq!(said(549), "ran longer than 500 ms and was stopped");
        assert_eq!(
            said(888),
            "ran longer than 500 ms and was stopped; 388 ms that it waited for a CPU of the busy host did not count"
        );
    }
}
