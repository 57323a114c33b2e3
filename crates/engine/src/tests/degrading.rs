use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use runbay_events::Event;
use runbay_events::EventBus;
use runbay_events::EventKind;
use runbay_events::MemoryEventBus;
use runbay_events::Subscription;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::Status;
use runbay_model::Verdict;
use runbay_queue::Consumer;
use runbay_queue::Entry;
use runbay_queue::Lane;
use runbay_queue::MemoryQueue;
use runbay_queue::Place;
use runbay_queue::Queue;
use runbay_queue::ReserveError;

use super::Bench;
use super::settings;
use super::soon;
use crate::Engine;
use crate::EngineSettings;
use crate::NoPlace;
use crate::Recorded;
use crate::RunRequest;
use crate::SubmitError;
use crate::sweep::Looks;

/// A queue and an event bus that may be away.
#[derive(Default)]
pub(super) struct Unsteady {
    queue: MemoryQueue,
    events: MemoryEventBus,
    is_away: AtomicBool,
    subscriptions: AtomicUsize,
}

impl Unsteady {
    fn check(&self) -> Result<(), std::io::Error> {
        if self.is_away.load(Ordering::Relaxed) { Err(std::io::Error::other("it is away")) } else { Ok(()) }
    }

    fn check_queue(&self) -> Result<(), runbay_queue::QueueError> {
        self.check().map_err(|error| runbay_queue::QueueError(Arc::new(error)))
    }

    fn check_events(&self) -> Result<(), runbay_events::EventsError> {
        self.check().map_err(|error| runbay_events::EventsError(Arc::new(error)))
    }

    pub(super) fn go_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    pub(super) fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Queue for Unsteady {
    async fn reserve(&self, max_depth: usize) -> Result<Box<dyn Place>, ReserveError> {
        self.check_queue()?;
        self.queue.reserve(max_depth).await
    }

    async fn push(&self, entry: Entry) -> Result<(), runbay_queue::QueueError> {
        self.check_queue()?;
        self.queue.push(entry).await
    }

    async fn remove(&self, id: ExecutionId, lane: &Lane) -> Result<bool, runbay_queue::QueueError> {
        self.check_queue()?;
        self.queue.remove(id, lane).await
    }

    async fn depth(&self) -> Result<usize, runbay_queue::QueueError> {
        self.check_queue()?;
        self.queue.depth().await
    }

    async fn missing(&self, ids: &[(ExecutionId, Lane)]) -> Result<Vec<ExecutionId>, runbay_queue::QueueError> {
        self.check_queue()?;
        self.queue.missing(ids).await
    }

    fn consumer(&self, lanes: &[Lane]) -> Box<dyn Consumer> {
        self.queue.consumer(lanes)
    }
}

#[async_trait]
impl EventBus for Unsteady {
    async fn publish(&self, id: ExecutionId, kind: EventKind) -> Result<u64, runbay_events::EventsError> {
        self.check_events()?;
        self.events.publish(id, kind).await
    }

    async fn subscribe(
        &self,
        id: ExecutionId,
        after: Option<u64>,
    ) -> Result<Box<dyn Subscription>, runbay_events::EventsError> {
        self.subscriptions.fetch_add(1, Ordering::Relaxed);
        self.check_events()?;
        self.events.subscribe(id, after).await
    }
}

impl Bench {
    pub(super) fn unsteady(&self, settings: EngineSettings) -> (Arc<Unsteady>, Engine) {
        let unsteady = Arc::new(Unsteady::default());
        let engine = self.engine_with(unsteady.clone(), unsteady.clone(), settings);
        (unsteady, engine)
    }
}

async fn all_events(bus: &dyn EventBus, id: ExecutionId) -> Vec<Event> {
    let mut subscription = bus.subscribe(id, None).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = soon(subscription.next()).await.unwrap() {
        events.push(event);
    }
    events
}

#[tokio::test]
async fn what_is_accepted_while_the_queue_is_away_starts_when_it_is_back() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(EngineSettings { queue_max_depth: 2, ..settings() });
    unsteady.go_away();
    let mut accepted = Vec::new();
    for _ in 0..2 {
        let acceptance = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap();
        accepted.push(acceptance.into_head().id);
    }
    let full = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await;
    assert!(matches!(full, Err(SubmitError::NoPlace(NoPlace::Full { depth: 2, max: 2 }))), "{full:?}");
    engine.sweep_entries(&mut Looks::default()).await.expect("the database answers");
    assert!(engine.ready().await.queue.is_err());

    unsteady.come_back();
    engine.sweep_entries(&mut Looks::default()).await.unwrap();
    assert_eq!(engine.queue_depth().await.unwrap(), 2);
    let mut consumer = unsteady.consumer(&[Lane::batch(&LanguageId::new("python"))]);
    for id in accepted {
        let taken = soon(consumer.pop()).await.unwrap();
        assert_eq!(taken.execution, id);
        let claim = engine.claim(&taken, bench.worker).await.unwrap().unwrap();
        assert_eq!(bench.complete(&claim).await, Recorded::Accepted);
    }
}

#[tokio::test]
async fn an_operator_may_want_nothing_to_be_accepted_while_the_queue_is_away() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(EngineSettings { require_queue: true, ..settings() });
    unsteady.go_away();
    let refused = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await;
    assert!(matches!(refused, Err(SubmitError::NoPlace(NoPlace::QueueUnavailable(_)))), "{refused:?}");
    assert_eq!(bench.store.queued().await.unwrap(), 0);
    unsteady.come_back();
    engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap();
}

#[tokio::test]
async fn an_end_is_seen_although_the_events_are_away() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let accepted = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap().into_head();
    let claim = engine.claim(&super::as_taken(accepted.id), bench.worker).await.unwrap().unwrap();
    unsteady.go_away();
    let waiting = {
        let (engine, tenant) = (engine.clone(), bench.tenant.clone());
        tokio::spawn(async move { engine.wait_for_end(&tenant, accepted.id, Duration::from_secs(60)).await })
    };
    engine.finish(&claim, Verdict::Completed, Arc::default()).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().summary.state.status(), Status::Completed);
}

#[tokio::test]
async fn whoever_waits_looks_less_and_less_often_while_the_events_are_away() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let accepted = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap().into_head();
    unsteady.go_away();
    let waited = soon(engine.wait_for_end(&bench.tenant, accepted.id, Duration::from_millis(1_200))).await.unwrap();
    assert_eq!((waited.summary.id, waited.summary.state), (accepted.id, accepted.state));
    // At once, after half a second, and when the time is over.
    assert!(unsteady.subscriptions.load(Ordering::Relaxed) <= 3);
}

#[tokio::test]
async fn an_end_that_was_not_told_is_told_with_the_repeated_report_and_once() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let accepted = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap().into_head();
    let claim = engine.claim(&super::as_taken(accepted.id), bench.worker).await.unwrap().unwrap();
    unsteady.go_away();
    engine.finish(&claim, Verdict::Completed, Arc::default()).await.unwrap();
    unsteady.come_back();
    for _ in 0..2 {
        let repeated = engine.finish(&claim, Verdict::Completed, Arc::default()).await.unwrap();
        assert_eq!(repeated, Recorded::Accepted);
    }
    let events = all_events(&unsteady.events, accepted.id).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| match event.kind {
            EventKind::Status { status, .. } => Some(status),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Some(Status::Queued), Some(Status::Running), Some(Status::Completed), None], "{events:?}");
    assert_eq!(events.last().map(|event| &event.kind), Some(&EventKind::Result));
}
