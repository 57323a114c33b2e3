//! Checking code in bays, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbay_engine::CheckFault;
use runbay_engine::Checker;
use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_runner::Runner;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// The settings of a checker.
#[derive(Debug, Clone)]
pub struct CheckerSettings {
    /// How many checks run at one time.
    pub slots: usize,
    /// How many more may wait for a slot.
    pub waiting: usize,
    /// How long a check may wait for a slot.
    pub patience: Duration,
}

impl CheckerSettings {
    /// Returns settings for so many checks at one time, with defaults for the rest.
    #[must_use]
    pub const fn with_slots(slots: usize) -> Self {
        // Somebody who types does not wait for more than a few others.
        Self { slots, waiting: slots.saturating_mul(16), patience: Duration::from_secs(5) }
    }
}

/// Checks code with the runner of this process.
pub struct RunnerChecker {
    runner: Arc<Runner>,
    slots: Slots,
}

impl RunnerChecker {
    /// Makes a checker.
    #[must_use]
    pub fn new(runner: Arc<Runner>, settings: &CheckerSettings) -> Self {
        Self { runner, slots: Slots::new(settings) }
    }
}

#[async_trait]
impl Checker for RunnerChecker {
    async fn check(&self, _: &TenantId, language: &LanguageId, sources: &Sources) -> Result<CheckReport, CheckFault> {
        let _slot = self.slots.take().await.ok_or(CheckFault::Busy)?;
        self.runner.check(language, sources).await.map_err(|fault| CheckFault::Failed(Box::new(fault)))
    }
}

/// Lets a few checks run at a time and a few more wait.
struct Slots {
    /// One permit for each check that runs or waits.
    present: Semaphore,
    working: Semaphore,
    patience: Duration,
}

/// The right to run a check. Dropping it frees the slot.
struct Slot<'a> {
    _working: SemaphorePermit<'a>,
    _present: SemaphorePermit<'a>,
}

impl Slots {
    fn new(settings: &CheckerSettings) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        Self {
            present: semaphore(settings.slots.saturating_add(settings.waiting)),
            working: semaphore(settings.slots),
            patience: settings.patience,
        }
    }

    /// Waits for a slot. Returns none when too many wait already or the wait takes too long.
    async fn take(&self) -> Option<Slot<'_>> {
        let present = self.present.try_acquire().ok()?;
        let working = timeout(self.patience, self.working.acquire()).await.ok()?.ok()?;
        Some(Slot { _working: working, _present: present })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;
    use std::task::Waker;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    fn slots(slots: usize, waiting: usize, patience: Duration) -> Slots {
        Slots::new(&CheckerSettings { slots, waiting, patience })
    }

    #[tokio::test]
    async fn beyond_those_who_work_and_wait_nobody_gets_in() {
        let slots = slots(2, 1, LONG);
        let (one, _other) = (slots.take().await.unwrap(), slots.take().await.unwrap());
        let mut waiting = pin!(slots.take());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert!(slots.take().await.is_none(), "too many wait");
        drop(one);
        let third = waiting.await.expect("a slot is free");
        let mut fourth = pin!(slots.take());
        assert!(fourth.as_mut().poll(&mut context).is_pending(), "the place to wait is free again");
        drop(third);
        assert!(fourth.await.is_some());
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_allowed() {
        let slots = slots(1, 1, Duration::ZERO);
        let working = slots.take().await.expect("a free slot needs no patience");
        assert!(slots.take().await.is_none());
        drop(working);
        assert!(slots.take().await.is_some(), "whoever gave up takes no place");
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_its_place() {
        let slots = slots(1, 1, LONG);
        let _working = slots.take().await.unwrap();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(pin!(slots.take()).poll(&mut context).is_pending());
        }
    }
}
