//! Putting executions into the queue again.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::time::Duration;

use runbay_model::Attempt;
use runbay_queue::Entry;
use runbay_store::ExecutionHead;

use crate::Engine;

const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(30);

impl Engine {
    /// Announces that a row is queued again, and tells the queue.
    pub(crate) async fn queue_again(&self, head: &ExecutionHead) {
        self.announce(head).await;
        if let Err(error) = self.queue().push(entry(head)).await {
            tracing::error!(execution.id = %head.id, error = ?error, "a queued execution waits for the next start");
        }
    }
}

/// Returns the queue's entry for a queued row; it keeps its place however often it is retried.
pub(crate) fn entry(head: &ExecutionHead) -> Entry {
    Entry {
        execution: head.id,
        tenant: head.tenant.clone(),
        accepted_at: head.created_at,
        not_before: head.available_at,
    }
}

/// Returns how long to wait after an attempt was lost: doubling, with up to half of it left to chance so that
/// executions that were lost together do not come back together.
pub(crate) fn retry_delay(base: Duration, lost: Attempt) -> Duration {
    let doublings = lost.0.saturating_sub(1).min(16);
    let longest = base.saturating_mul(1 << doublings).min(LONGEST_RETRY_DELAY);
    let chance = RandomState::new().hash_one(()) % 1024;
    longest / 2 + longest.mul_f64(f64::from(u16::try_from(chance).unwrap_or(0)) / 2048.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_and_has_an_end() {
        let base = Duration::from_millis(100);
        for (attempt, longest) in [(1, 100), (2, 200), (3, 400), (4, 800), (40, 30_000)] {
            let longest = Duration::from_millis(longest);
            let delay = retry_delay(base, Attempt(attempt));
            assert!(delay >= longest / 2 && delay < longest, "{delay:?} after attempt {attempt}");
        }
        assert_eq!(retry_delay(Duration::ZERO, Attempt(1)), Duration::ZERO);
    }
}
