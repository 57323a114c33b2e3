//! The claim loop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runbay_engine::Engine;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_queue::Entry;
use runbay_queue::Queue;
use runbay_runner::Runner;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use tracing::warn;

use crate::attempt::Attempt;

/// How long to wait before asking a queue or a database again that did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// How long an execution waits that could not be claimed: the cause may be its own row, and others come after it.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);

/// How long handing back may take once the time to drain is over.
const HAND_BACK_PATIENCE: Duration = Duration::from_secs(5);

/// Choices of the operator.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// How many executions run at one time.
    pub slots: usize,
    /// How long running executions may take to end after the worker was told to stop.
    pub drain: Duration,
}

/// Takes executions from the queue and runs them.
pub struct Worker {
    id: WorkerId,
    engine: Engine,
    queue: Arc<dyn Queue>,
    runner: Arc<Runner>,
    settings: WorkerSettings,
    alive: Alive,
}

/// Tells whether a worker takes executions.
#[derive(Debug, Clone, Default)]
pub struct Alive(Arc<AtomicBool>);

impl Alive {
    /// Returns whether the worker has started and was not told to stop.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Worker {
    /// Makes a worker with a new id.
    #[must_use]
    pub fn new(engine: Engine, queue: Arc<dyn Queue>, runner: Arc<Runner>, settings: WorkerSettings) -> Self {
        Self { id: WorkerId::random(), engine, queue, runner, settings, alive: Alive::default() }
    }

    /// Returns a handle that tells whether the worker takes executions.
    #[must_use]
    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Works until `stop` is cancelled, then lets running executions end or hands them back.
    pub async fn work(self, stop: CancellationToken) {
        let attempts = TaskTracker::new();
        let hand_back = CancellationToken::new();
        info!(worker.id = %self.id, worker.slots = self.settings.slots, "worker started");
        self.alive.0.store(true, Ordering::Relaxed);
        self.take_executions(&stop, &attempts, &hand_back).await;
        self.alive.0.store(false, Ordering::Relaxed);
        self.drain(&attempts, &hand_back).await;
    }

    /// Takes executions until `stop` is cancelled.
    async fn take_executions(&self, stop: &CancellationToken, attempts: &TaskTracker, hand_back: &CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.settings.slots));
        loop {
            let next = async {
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                Some((slot, self.queue.pop().await))
            };
            // Only waiting is given up: what was popped is claimed, so that no row waits for an entry that is gone.
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                next = next => next,
            };
            let taken = match next {
                None => return,
                Some((_, Err(error))) => Err(error.into()),
                Some((slot, Ok(entry))) => self.take(entry, slot, attempts, hand_back).await,
            };
            if let Err(error) = taken {
                warn!(worker.id = %self.id, error, "no execution could be taken; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Claims an execution and starts to run it; nothing happens if somebody else was faster.
    async fn take(
        &self,
        entry: Entry,
        slot: OwnedSemaphorePermit,
        attempts: &TaskTracker,
        hand_back: &CancellationToken,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let claim = match self.engine.claim(entry.execution, self.id).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(()),
            Err(error) => {
                let not_before = Some(Timestamp::now().after(CLAIM_PAUSE));
                self.queue.push(Entry { not_before, ..entry }).await?;
                return Err(error.into());
            }
        };
        let (runner, tenant, input) = (Arc::clone(&self.runner), claim.tenant.clone(), Arc::clone(&claim.input));
        let attempt = Attempt { engine: self.engine.clone(), hand_back: hand_back.clone(), claim };
        attempts.spawn(async move {
            attempt.carry_out(async move { runner.run(&tenant, &input).await }).await;
            drop(slot);
        });
        Ok(())
    }

    async fn drain(&self, attempts: &TaskTracker, hand_back: &CancellationToken) {
        attempts.close();
        info!(worker.id = %self.id, executions = attempts.len(), "worker stops taking executions");
        if tokio::time::timeout(self.settings.drain, attempts.wait()).await.is_ok() {
            return;
        }
        info!(worker.id = %self.id, executions = attempts.len(), "worker hands back what did not end in time");
        hand_back.cancel();
        if tokio::time::timeout(HAND_BACK_PATIENCE, attempts.wait()).await.is_err() {
            warn!(worker.id = %self.id, executions = attempts.len(), "some executions could not be handed back");
        }
    }
}
