//! The number of rows to change at a time.

use std::time::Duration;

/// The most rows of one batch. Other writes come between two batches.
const MOST: u64 = 500;

/// The time from which on a batch counts as too large.
///
/// Servers end a statement after some seconds, and SQLite writes nothing else meanwhile.
const LONG: Duration = Duration::from_secs(1);

/// The time below which the next batch may be larger.
const SHORT: Duration = Duration::from_millis(200);

/// The number of rows to change at a time. It follows the earlier batches, because a row may be tiny or hold megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSize(u64);

impl Default for BatchSize {
    fn default() -> Self {
        Self(MOST)
    }
}

impl BatchSize {
    pub(crate) const fn rows(self) -> u64 {
        self.0
    }

    /// Adapts to a batch. One that failed may have been too large.
    pub(crate) fn learn(&mut self, took: Duration, succeeded: bool) {
        if !succeeded || took > LONG {
            self.0 = (self.0 / 2).max(1);
        } else if took < SHORT {
            self.0 = (self.0 * 2).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(batches: &[(Duration, bool)]) -> u64 {
        let mut size = BatchSize::default();
        batches.iter().for_each(|(took, succeeded)| size.learn(*took, *succeeded));
        size.rows()
    }

    #[test]
    fn what_fails_or_takes_long_is_tried_with_less() {
        assert_eq!(after(&[]), MOST);
        assert_eq!(after(&[(LONG * 4, false), (LONG * 2, true)]), MOST / 4);
        assert_eq!(after(&[(Duration::ZERO, false); 40]), 1);
    }

    #[test]
    fn what_is_quick_grows_again() {
        let [slow, right, quick] = [LONG * 2, (LONG + SHORT) / 2, Duration::ZERO].map(|took| (took, true));
        assert_eq!(after(&[slow, slow, right, quick]), MOST / 2);
        assert_eq!(after(&[slow, quick, quick]), MOST);
    }
}
