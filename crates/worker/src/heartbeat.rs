//! Renewing a worker's lease.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Engine;
use runbay_engine::Outage;
use runbay_engine::Unavailable;
use runbay_engine::WorkerCard;
use runbay_engine::WorkerLease;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The pause after a renewal that failed. It is short, because other processes do not wait long once the database
/// answers again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long ending the lease may take. Otherwise it expires by itself.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// A task that renews a worker's lease.
pub(crate) struct Heartbeat {
    handle: BeatHandle,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// A handle to the heartbeat. It is cheap to clone.
#[derive(Clone)]
pub(crate) struct BeatHandle {
    wanted: Arc<Notify>,
    draining: CancellationToken,
    renewed: watch::Receiver<Option<Instant>>,
}

impl Heartbeat {
    /// Begins to renew the lease of a worker, at once and then every `period`.
    pub(crate) fn start(engine: &Engine, card: &WorkerCard, period: Duration) -> Self {
        let (sender, renewed) = watch::channel(None);
        let handle = BeatHandle { wanted: Arc::default(), draining: CancellationToken::new(), renewed };
        let stop = CancellationToken::new();
        let beat = Beat { lease: engine.lease(card), period, handle: handle.clone(), renewed: sender };
        let task = AbortOnDropHandle::new(tokio::spawn(beat.go_on_until(stop.clone())));
        Self { handle, stop, task }
    }

    pub(crate) fn handle(&self) -> BeatHandle {
        self.handle.clone()
    }

    /// Ends the lease.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        if timeout(END_PATIENCE, self.task).await.is_err() {
            tracing::info!("the worker's row could not be removed in time; its lease will expire");
        }
    }
}

impl BeatHandle {
    /// Waits until the lease is renewed after this call.
    ///
    /// Never returns when the heartbeat has ended, because nothing may be claimed then.
    pub(crate) async fn renewal(&self) {
        let asked = Instant::now();
        self.wanted.notify_one();
        let mut renewed = self.renewed.clone();
        if renewed.wait_for(|renewed| renewed.is_some_and(|at| at >= asked)).await.is_err() {
            pending::<()>().await;
        }
    }

    /// Waits until the newest renewal is at most `lease` old.
    pub(crate) async fn holds(&self, lease: Duration) {
        let is_held = self.renewed.borrow().is_some_and(|at| at.elapsed() < lease);
        if !is_held {
            self.renewal().await;
        }
    }

    /// Declares that the worker takes no more executions.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
        self.wanted.notify_one();
    }
}

struct Beat {
    lease: WorkerLease,
    period: Duration,
    handle: BeatHandle,
    renewed: watch::Sender<Option<Instant>>,
}

impl Beat {
    async fn go_on_until(mut self, stop: CancellationToken) {
        let outage = Outage::default();
        while !stop.is_cancelled() {
            if self.handle.draining.is_cancelled() {
                self.lease.drain();
            }
            let pause = match self.renew().await {
                Ok(()) => {
                    outage.ended("the worker's lease is renewed again");
                    self.period
                }
                Err(error) => {
                    outage.failed("the worker's lease was not renewed", &error);
                    RETRY_PAUSE.min(self.period)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
                () = self.handle.wanted.notified() => {}
            }
        }
        if let Err(error) = self.lease.end().await {
            outage.failed("the worker's row was not removed, and its lease will expire", &error);
        }
    }

    async fn renew(&mut self) -> Result<(), Unavailable> {
        let asked = Instant::now();
        self.lease.renew().await?;
        // This time is never later than the one in the row, so nobody relies on a lease that is over.
        self.renewed.send_replace(Some(asked));
        Ok(())
    }
}
