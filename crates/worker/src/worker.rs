//! The life of a worker.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runbay_engine::Engine;
use runbay_engine::WorkerCard;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_queue::Queue;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use tracing::warn;

use crate::Executor;
use crate::claims::Claims;
use crate::claims::Kind;
use crate::heartbeat::Heartbeat;

/// How long handing back may take after the time to drain is over.
const HAND_BACK_PATIENCE: Duration = Duration::from_secs(5);

/// The settings of a worker.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// How many executions run at one time.
    pub slots: usize,
    /// How many executions that a person takes part in run beside them.
    pub interactive_slots: usize,
    /// How long running executions may take to end after the worker was told to stop.
    pub drain: Duration,
    /// How often the worker renews its lease. The engine's lease must be several times as long.
    pub heartbeat: Duration,
}

/// Takes executions from the queue and runs them.
pub struct Worker {
    id: WorkerId,
    engine: Engine,
    queue: Arc<dyn Queue>,
    executor: Arc<dyn Executor>,
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
    pub fn new(engine: Engine, queue: Arc<dyn Queue>, executor: Arc<dyn Executor>, settings: WorkerSettings) -> Self {
        Self { id: WorkerId::random(), engine, queue, executor, settings, alive: Alive::default() }
    }

    /// Returns the id of the worker in rows.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Returns a handle that tells whether the worker takes executions.
    #[must_use]
    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Works until `stop` is cancelled. Then lets running executions end or hands them back.
    pub async fn work(self, stop: CancellationToken) {
        let Self { id, engine, queue, executor, settings, alive } = self;
        let card = WorkerCard {
            id,
            name: name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: settings.slots,
            catalog: executor.catalog(),
            started_at: Timestamp::now(),
        };
        let heartbeat = Heartbeat::start(&engine, &card, settings.heartbeat);
        let attempts = TaskTracker::new();
        let hand_back = CancellationToken::new();
        info!(worker.id = %id, worker.name = card.name, worker.slots = settings.slots, "worker started");
        alive.0.store(true, Ordering::Relaxed);
        let claims = Claims {
            worker: id,
            engine,
            queue,
            executor,
            beat: heartbeat.handle(),
            attempts: attempts.clone(),
            stop,
            hand_back: hand_back.clone(),
        };
        tokio::join!(
            claims.clone().take(Kind::Batch, settings.slots),
            claims.take(Kind::Interactive, settings.interactive_slots),
        );
        alive.0.store(false, Ordering::Relaxed);
        heartbeat.handle().drain();
        drain(id, settings.drain, &attempts, &hand_back).await;
        heartbeat.end().await;
    }
}

async fn drain(worker: WorkerId, patience: Duration, attempts: &TaskTracker, hand_back: &CancellationToken) {
    attempts.close();
    info!(worker.id = %worker, executions = attempts.len(), "worker stops taking executions");
    if timeout(patience, attempts.wait()).await.is_ok() {
        return;
    }
    info!(worker.id = %worker, executions = attempts.len(), "worker hands back what did not end in time");
    hand_back.cancel();
    if timeout(HAND_BACK_PATIENCE, attempts.wait()).await.is_err() {
        warn!(worker.id = %worker, executions = attempts.len(), "some executions could not be handed back");
    }
}

/// Returns the host and the process id, for people who look for the process.
fn name() -> String {
    let host = rustix::system::uname();
    format!("{}:{}", host.nodename().to_string_lossy(), std::process::id())
}
