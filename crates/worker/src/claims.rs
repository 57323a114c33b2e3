//! Taking executions from the queue and claiming them.

use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Claim;
use runbay_engine::ClaimError;
use runbay_engine::Engine;
use runbay_engine::LiveProgram;
use runbay_engine::Outage;
use runbay_model::LanguageId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_queue::Consumer;
use runbay_queue::Lane;
use runbay_queue::Queue;
use runbay_queue::Taken;
use runbay_runner::LiveClient;
use runbay_runner::live;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Executor;
use crate::attempt::Attempt;
use crate::broadcast::broadcast;
use crate::heartbeat::BeatHandle;
use crate::participants::Participants;

/// The pause before the next question to a queue or database that did not answer.
const PAUSE: Duration = Duration::from_millis(200);

/// How long an execution waits after it could not be claimed.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);

/// How long an execution waits when its row cannot be read.
///
/// A newer worker may be able to read it. Meanwhile even many such executions keep no slot from others, which all come
/// first.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(30);

/// How long a claim waits for the worker's lease to be renewed.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(5);

/// Takes one execution from the queue for each free slot and claims them side by side.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) worker: WorkerId,
    pub(crate) engine: Engine,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) beat: BeatHandle,
    pub(crate) attempts: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) hand_back: CancellationToken,
}

/// The kinds of executions, each with slots of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody takes part.
    Batch,
    /// A person takes part.
    Interactive,
}

impl Kind {
    fn lane(self, language: &LanguageId) -> Lane {
        match self {
            Self::Batch => Lane::batch(language),
            Self::Interactive => Lane::interactive(language),
        }
    }
}

/// Outages that claiming has noticed.
#[derive(Default)]
struct Outages {
    queue: Outage,
    claims: Outage,
    /// This outage never ends: there may be thousands of such rows, and only one is logged.
    unreadable: Outage,
}

impl Claims {
    /// Takes executions until the worker is told to stop.
    pub(crate) async fn take(self, kind: Kind, slots: usize) {
        let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
        let lanes: Vec<_> =
            self.executor.catalog().languages().iter().map(|language| kind.lane(&language.id)).collect();
        let mut consumer = self.queue.consumer(&lanes);
        let outages = Arc::new(Outages::default());
        loop {
            // Stopping interrupts the wait only. An execution that was popped is always claimed, because its entry is
            // gone.
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                next = self.next(&slots, &mut *consumer) => next,
            };
            match next {
                None => return,
                Some((slot, Ok(taken))) => {
                    outages.queue.ended("the queue hands out executions again");
                    let (claims, outages) = (self.clone(), Arc::clone(&outages));
                    self.attempts.spawn(async move { claims.claim_and_run(taken, slot, &outages).await });
                }
                Some((_, Err(error))) => {
                    outages.queue.failed("the queue hands out nothing", &error);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for a free slot, for the lease and for an execution, in this order.
    async fn next(
        &self,
        slots: &Arc<Semaphore>,
        consumer: &mut dyn Consumer,
    ) -> Option<(OwnedSemaphorePermit, Result<Taken, runbay_queue::QueueError>)> {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        self.beat.holds(self.engine.settings().lease).await;
        Some((slot, consumer.pop().await))
    }

    /// Claims an execution and runs it. Does nothing if another worker was faster.
    async fn claim_and_run(self, taken: Taken, slot: OwnedSemaphorePermit, outages: &Outages) {
        match self.claim(&taken).await {
            Ok(Some(claim)) => {
                outages.claims.ended("executions are claimed again");
                self.run(claim).await;
            }
            Ok(None) => outages.claims.ended("executions are claimed again"),
            Err(error @ ClaimError::Unreadable(_)) => {
                outages.unreadable.failed(&format!("execution {} could not be claimed", taken.execution), &error);
                self.put_back(taken, UNREADABLE_PAUSE, outages).await;
            }
            Err(error) => {
                outages.claims.failed("an execution could not be claimed", &error);
                self.put_back(taken, CLAIM_PAUSE, outages).await;
                // The slot waits too, because the fault may concern all executions.
                sleep(PAUSE).await;
            }
        }
        drop(slot);
    }

    /// Claims an execution.
    ///
    /// Renews the lease first if it has expired, such as after this process was stopped for a while.
    async fn claim(&self, taken: &Taken) -> Result<Option<Claim>, ClaimError> {
        match self.engine.claim(taken, self.worker).await {
            Err(ClaimError::LeaseExpired) => {}
            claimed => return claimed,
        }
        // If the lease was not renewed, the next claim returns the error.
        drop(timeout(RENEWAL_PATIENCE, self.beat.renewal()).await);
        self.engine.claim(taken, self.worker).await
    }

    async fn run(self, claim: Claim) {
        let (executor, tenant, input) = (self.executor, claim.tenant.clone(), Arc::clone(&claim.input));
        let cancelled = claim.cancelled.clone();
        let (live, LiveClient { output, input: live_input, controls }) = live();
        let broadcast = broadcast(self.engine.broadcast(&claim), output);
        // Where nobody takes part, the input ends with that of the request.
        let live_input = claim.input.work.interaction.map(|_| live_input);
        let participants = Participants::new(live_input, controls);
        self.engine.connect(&claim, Arc::clone(&participants) as Arc<dyn LiveProgram>);
        let attempt =
            Attempt { engine: self.engine, stop: self.stop, hand_back: self.hand_back, claim, broadcast, participants };
        attempt.carry_out(async move { executor.run(&tenant, &input, Some(live), &cancelled).await }).await;
    }

    /// Puts an execution back into the queue. If that fails, the next sweep finds the execution.
    async fn put_back(&self, taken: Taken, pause: Duration, outages: &Outages) {
        let not_before = Timestamp::now().after(pause);
        if let Err(error) = self.queue.push(taken.again(not_before)).await {
            outages.queue.failed("an execution was not put back into the queue", &error);
        }
    }
}
