//! Which executions run in this process, so that they can be told to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::ExecutionId;
use tokio_util::sync::CancellationToken;

/// The stop signals of claims.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    shared: Arc<Mutex<Signals>>,
}

#[derive(Debug, Default)]
struct Signals {
    /// Two may try to claim the same execution at once, so the second part tells claims apart.
    by_claim: BTreeMap<(ExecutionId, u64), CancellationToken>,
    entered: u64,
}

/// Keeps a stop signal known until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    running: Running,
    claim: (ExecutionId, u64),
}

impl Running {
    /// Makes a stop signal known before the claim is written, so that no cancellation falls between the two.
    pub(crate) fn enter(&self, execution: ExecutionId) -> (Registration, CancellationToken) {
        let signal = CancellationToken::new();
        let mut signals = self.lock();
        signals.entered += 1;
        let claim = (execution, signals.entered);
        signals.by_claim.insert(claim, signal.clone());
        (Registration { running: self.clone(), claim }, signal)
    }

    /// Tells whoever runs `execution` to stop.
    pub(crate) fn stop(&self, execution: ExecutionId) {
        // The signals are fired after the lock is released: whoever waits for one may run at once.
        let signals: Vec<_> = self
            .lock()
            .by_claim
            .range((execution, 0)..=(execution, u64::MAX))
            .map(|(_, signal)| signal.clone())
            .collect();
        for signal in signals {
            signal.cancel();
        }
    }

    /// No code that holds the lock can panic half-way through a change, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Signals> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.running.lock().by_claim.remove(&self.claim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_claims_of_that_execution_are_stopped() {
        let running = Running::default();
        let execution = ExecutionId::random();
        let (_first, one) = running.enter(execution);
        let (_second, two) = running.enter(execution);
        let (_other, other) = running.enter(ExecutionId::random());
        running.stop(execution);
        assert!(one.is_cancelled() && two.is_cancelled());
        assert!(!other.is_cancelled());
    }

    #[test]
    fn a_dropped_claim_leaves_nothing_behind() {
        let running = Running::default();
        drop(running.enter(ExecutionId::random()));
        assert!(running.lock().by_claim.is_empty());
    }
}
