//! The attempts that run in this process, and how they are told to stop.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::WorkerId;
use tokio_util::sync::CancellationToken;

use crate::InputRefused;
use crate::LiveProgram;

/// The claims of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    shared: Arc<Mutex<Claims>>,
}

#[derive(Debug, Default)]
struct Claims {
    /// Each claim by its execution and a number, because several claims of one execution may be tried at once.
    by_number: BTreeMap<(ExecutionId, u64), Held>,
    entered: u64,
}

#[derive(Debug)]
struct Held {
    worker: WorkerId,
    /// The number of the attempt. None until the claim is written.
    attempt: Option<Attempt>,
    stop: CancellationToken,
    /// None until its program can be reached.
    program: Option<Arc<dyn LiveProgram>>,
}

/// Keeps a claim registered until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    running: Running,
    number: (ExecutionId, u64),
}

impl Running {
    /// Registers a claim before it is written, so that no cancellation falls in between.
    pub(crate) fn enter(&self, execution: ExecutionId, worker: WorkerId) -> (Registration, CancellationToken) {
        let stop = CancellationToken::new();
        let mut claims = self.lock();
        claims.entered += 1;
        let number = (execution, claims.entered);
        claims.by_number.insert(number, Held { worker, attempt: None, stop: stop.clone(), program: None });
        (Registration { running: self.clone(), number }, stop)
    }

    /// Tells the attempt of `execution` to stop.
    pub(crate) fn stop(&self, execution: ExecutionId) {
        self.stop_those(execution, |_| true);
    }

    /// Tells this attempt to stop.
    pub(crate) fn stop_attempt(&self, execution: ExecutionId, attempt: Attempt) {
        self.stop_those(execution, |held| held.attempt == Some(attempt));
    }

    /// Lets others reach the program of this attempt.
    pub(crate) fn connect(&self, execution: ExecutionId, attempt: Attempt, program: Arc<dyn LiveProgram>) {
        let mut claims = self.lock();
        let held = claims.by_number.range_mut(numbers(execution)).find(|(_, held)| held.attempt == Some(attempt));
        if let Some((_, held)) = held {
            held.program = Some(program);
        }
    }

    /// Returns the program of this attempt.
    ///
    /// # Errors
    ///
    /// [`InputRefused::Later`] when its program is about to be started, [`InputRefused::Elsewhere`] when this process does
    /// not run it.
    pub(crate) fn program(
        &self,
        execution: ExecutionId,
        attempt: Attempt,
    ) -> Result<Arc<dyn LiveProgram>, InputRefused> {
        let claims = self.lock();
        let held = claims.by_number.range(numbers(execution)).find(|(_, held)| held.attempt == Some(attempt));
        held.ok_or(InputRefused::Elsewhere)?.1.program.clone().ok_or(InputRefused::Later)
    }

    /// Returns whether this process runs or is claiming an execution.
    pub(crate) fn holds(&self, execution: ExecutionId) -> bool {
        self.lock().by_number.range(numbers(execution)).next().is_some()
    }

    /// Returns the attempts of a worker that have not ended.
    pub(crate) fn attempts(&self, worker: WorkerId) -> Vec<(ExecutionId, Attempt)> {
        let claims = self.lock();
        let own = claims.by_number.iter().filter(|(_, held)| held.worker == worker);
        own.filter_map(|((execution, _), held)| Some((*execution, held.attempt?))).collect()
    }

    fn stop_those(&self, execution: ExecutionId, which: impl Fn(&Held) -> bool) {
        // The signals fire after the lock is released, as their waiters may run at once.
        let claims = self.lock();
        let held = claims.by_number.range(numbers(execution)).filter(|(_, held)| which(held));
        let signals: Vec<_> = held.map(|(_, held)| held.stop.clone()).collect();
        drop(claims);
        for signal in signals {
            signal.cancel();
        }
    }

    /// Locks the claims. No code that holds the lock panics in the middle of a change, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn numbers(execution: ExecutionId) -> RangeInclusive<(ExecutionId, u64)> {
    (execution, 0)..=(execution, u64::MAX)
}

impl Registration {
    /// Records that the claim was written.
    pub(crate) fn claimed(&self, attempt: Attempt) {
        if let Some(held) = self.running.lock().by_number.get_mut(&self.number) {
            held.attempt = Some(attempt);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.running.lock().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_claims_of_that_execution_are_stopped() {
        let (running, worker) = (Running::default(), WorkerId::random());
        let execution = ExecutionId::random();
        let (_first, one) = running.enter(execution, worker);
        let (_second, two) = running.enter(execution, worker);
        let (_other, other) = running.enter(ExecutionId::random(), worker);
        running.stop(execution);
        assert!(one.is_cancelled() && two.is_cancelled());
        assert!(!other.is_cancelled());
    }

    #[test]
    fn only_that_attempt_is_stopped() {
        let (running, worker) = (Running::default(), WorkerId::random());
        let execution = ExecutionId::random();
        let (old, stopped) = running.enter(execution, worker);
        let (_new, goes_on) = running.enter(execution, worker);
        old.claimed(Attempt(1));
        assert_eq!(running.attempts(worker), [(execution, Attempt(1))]);
        assert_eq!(running.attempts(WorkerId::random()), []);
        running.stop_attempt(execution, Attempt(1));
        assert!(stopped.is_cancelled() && !goes_on.is_cancelled());
    }

    #[test]
    fn a_dropped_claim_leaves_nothing_behind() {
        let running = Running::default();
        let execution = ExecutionId::random();
        let claim = running.enter(execution, WorkerId::random());
        assert!(running.holds(execution));
        drop(claim);
        assert!(!running.holds(execution) && running.lock().by_number.is_empty());
    }
}
