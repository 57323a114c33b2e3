//! What every event bus must do; each function is one test and takes an empty bus with [`LIMITS`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Status;
use runbay_model::TestResult;
use runbay_model::Timestamp;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Event;
use crate::EventBus;
use crate::EventKind;
use crate::MemoryEventBusLimits;
use crate::OutputStream;
use crate::Subscription;

type AnyBus = Arc<dyn EventBus>;

pub(crate) const LIMITS: MemoryEventBusLimits =
    MemoryEventBusLimits { executions: 5, events: 8, bytes: 4_000, total_bytes: 100_000 };

const DEADLINE: Duration = Duration::from_secs(30);

/// Names all tests to a macro that makes them.
macro_rules! all {
    ($make:ident) => {
        $make! {
            events_are_numbered_per_execution,
            what_was_before_comes_before_what_is_new,
            a_subscription_goes_on_where_another_one_stopped,
            after_the_result_there_is_nothing,
            who_comes_again_after_the_result_gets_it_once_more_or_the_end,
            numbers_of_a_further_attempt_begin_anew,
            a_number_between_two_attempts_goes_on_with_the_later,
            who_has_all_that_was_dropped_is_not_reset,
            what_an_earlier_attempt_writes_is_dropped,
            what_is_dropped_changes_nothing,
            a_late_status_of_an_earlier_attempt_makes_nothing_void,
            verdicts_of_test_cases_arrive,
            a_slow_subscriber_is_told_to_start_anew,
            big_output_is_cut_from_the_front,
            an_unknown_number_starts_anew,
            ended_executions_are_forgotten_first,
            subscribers_of_a_forgotten_execution_are_let_go,
            publishing_wakes_every_subscriber,
            a_dropped_wait_loses_nothing,
        }
    };
}

pub(crate) use all;

fn status(status: Status, attempt: u32) -> EventKind {
    EventKind::Status { status, attempt: Attempt(attempt), at: Timestamp::from_micros(1) }
}

pub(crate) fn output(attempt: u32, data: &[u8]) -> EventKind {
    EventKind::Output { attempt: Attempt(attempt), stream: OutputStream::Stdout, data: data.into() }
}

pub(crate) async fn write(bus: &dyn EventBus, execution: ExecutionId, data: &[u8]) -> u64 {
    bus.publish(execution, output(1, data)).await.unwrap()
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

pub(crate) async fn next(subscription: &mut Box<dyn Subscription>) -> Option<Event> {
    soon(subscription.next()).await.unwrap()
}

pub(crate) async fn ids(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(next(subscription).await.expect("another event").id);
    }
    ids
}

pub(crate) async fn events_are_numbered_per_execution(bus: AnyBus) {
    let (one, other) = (ExecutionId::random(), ExecutionId::random());
    assert_eq!(bus.publish(one, status(Status::Queued, 0)).await.unwrap(), 1);
    assert_eq!(bus.publish(other, status(Status::Queued, 0)).await.unwrap(), 1);
    assert_eq!(bus.publish(one, status(Status::Running, 1)).await.unwrap(), 2);
}

pub(crate) async fn what_was_before_comes_before_what_is_new(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, status(Status::Queued, 0)).await.unwrap();
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    write(&*bus, execution, b"a").await;
    bus.publish(execution, EventKind::Result).await.unwrap();
    assert_eq!(next(&mut subscription).await, Some(Event { id: 1, kind: status(Status::Queued, 0) }));
    assert_eq!(next(&mut subscription).await, Some(Event { id: 2, kind: output(1, b"a") }));
    assert_eq!(next(&mut subscription).await, Some(Event { id: 3, kind: EventKind::Result }));
}

pub(crate) async fn a_subscription_goes_on_where_another_one_stopped(bus: AnyBus) {
    let execution = ExecutionId::random();
    for _ in 0..4 {
        write(&*bus, execution, b"a").await;
    }
    let mut subscription = bus.subscribe(execution, Some(2)).await.unwrap();
    assert_eq!(ids(&mut subscription, 2).await, [3, 4]);
}

pub(crate) async fn after_the_result_there_is_nothing(bus: AnyBus) {
    let execution = ExecutionId::random();
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    bus.publish(execution, EventKind::Result).await.unwrap();
    assert_eq!(bus.publish(execution, status(Status::Running, 1)).await.unwrap(), 1, "it came too late");
    assert_eq!(ids(&mut subscription, 1).await, [1]);
    assert_eq!(next(&mut subscription).await, None);
    assert_eq!(next(&mut subscription).await, None);
}

pub(crate) async fn who_comes_again_after_the_result_gets_it_once_more_or_the_end(bus: AnyBus) {
    let execution = ExecutionId::random();
    write(&*bus, execution, b"a").await;
    bus.publish(execution, EventKind::Result).await.unwrap();
    let mut again = bus.subscribe(execution, Some(1)).await.unwrap();
    assert_eq!(ids(&mut again, 1).await, [2]);
    let mut after_the_end = bus.subscribe(execution, Some(2)).await.unwrap();
    assert_eq!(next(&mut after_the_end).await, None);
}

/// Whoever comes back with a number of an earlier attempt gets the reset, also if all events of that were forgotten.
pub(crate) async fn numbers_of_a_further_attempt_begin_anew(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, EventKind::Reset { attempt: Attempt(3) }).await.unwrap();
    assert_eq!(bus.publish(execution, output(3, b"a")).await.unwrap(), 2_000_002);
    let mut subscription = bus.subscribe(execution, Some(57)).await.unwrap();
    let reset = Event { id: 2_000_001, kind: EventKind::Reset { attempt: Attempt(3) } };
    assert_eq!(next(&mut subscription).await, Some(reset));
    assert_eq!(ids(&mut subscription, 1).await, [2_000_002]);
}

pub(crate) async fn a_number_between_two_attempts_goes_on_with_the_later(bus: AnyBus) {
    let execution = ExecutionId::random();
    write(&*bus, execution, b"a").await;
    bus.publish(execution, EventKind::Reset { attempt: Attempt(2) }).await.unwrap();
    for after in [1, 2, 57, 1_000_000] {
        let mut subscription = bus.subscribe(execution, Some(after)).await.unwrap();
        assert_eq!(ids(&mut subscription, 1).await, [1_000_001], "after {after}");
    }
    let mut unknown = bus.subscribe(execution, Some(1_000_002)).await.unwrap();
    assert!(matches!(next(&mut unknown).await, Some(Event { id: 0, kind: EventKind::Reset { .. } })));
    assert_eq!(ids(&mut unknown, 2).await, [1, 1_000_001]);
}

/// Eight are kept: of two attempts with eight events each, those of the second.
pub(crate) async fn who_has_all_that_was_dropped_is_not_reset(bus: AnyBus) {
    let execution = ExecutionId::random();
    for _ in 0..8 {
        write(&*bus, execution, b"a").await;
    }
    let mut follows = bus.subscribe(execution, Some(8)).await.unwrap();
    bus.publish(execution, EventKind::Reset { attempt: Attempt(2) }).await.unwrap();
    for _ in 0..7 {
        bus.publish(execution, output(2, b"b")).await.unwrap();
    }
    let second: Vec<u64> = (1_000_001..=1_000_008).collect();
    assert_eq!(ids(&mut follows, 8).await, second, "it has all that was dropped");
    let mut late = bus.subscribe(execution, Some(7)).await.unwrap();
    assert_eq!(next(&mut late).await, Some(Event { id: 8, kind: EventKind::Reset { attempt: Attempt(2) } }));
    assert_eq!(ids(&mut late, 8).await, second);
}

pub(crate) async fn what_is_dropped_changes_nothing(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, status(Status::Running, 2)).await.unwrap();
    let result = Arc::new(TestResult::skipped(None));
    for void in [output(1, b"late"), EventKind::Test { attempt: Attempt(1), index: 0, result }] {
        assert_eq!(bus.publish(execution, void).await.unwrap(), 1_000_001, "the number of the newest");
    }
    assert_eq!(bus.publish(execution, output(2, b"a")).await.unwrap(), 1_000_002);
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    assert_eq!(ids(&mut subscription, 2).await, [1_000_001, 1_000_002]);
}

pub(crate) async fn a_late_status_of_an_earlier_attempt_makes_nothing_void(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, EventKind::Reset { attempt: Attempt(2) }).await.unwrap();
    assert_eq!(bus.publish(execution, status(Status::Queued, 1)).await.unwrap(), 1_000_002);
    assert_eq!(bus.publish(execution, output(1, b"late")).await.unwrap(), 1_000_002, "it is void still");
    assert_eq!(bus.publish(execution, output(2, b"a")).await.unwrap(), 1_000_003);
    assert_eq!(bus.publish(execution, EventKind::Result).await.unwrap(), 1_000_004);
    assert_eq!(bus.publish(execution, output(3, b"a")).await.unwrap(), 1_000_004, "after the result nothing comes");
}

pub(crate) async fn what_an_earlier_attempt_writes_is_dropped(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, status(Status::Running, 1)).await.unwrap();
    bus.publish(execution, output(1, b"old")).await.unwrap();
    bus.publish(execution, EventKind::Reset { attempt: Attempt(2) }).await.unwrap();
    bus.publish(execution, output(1, b"late")).await.unwrap();
    bus.publish(execution, output(2, b"new")).await.unwrap();
    let mut subscription = bus.subscribe(execution, Some(2)).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Some(Event { kind: EventKind::Reset { .. }, .. })));
    assert_eq!(next(&mut subscription).await.map(|event| event.kind), Some(output(2, b"new")));
}

pub(crate) async fn verdicts_of_test_cases_arrive(bus: AnyBus) {
    let execution = ExecutionId::random();
    let result = Arc::new(TestResult::skipped(Some("empty".to_owned())));
    let verdict = EventKind::Test { attempt: Attempt(1), index: 7, result };
    bus.publish(execution, verdict.clone()).await.unwrap();
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    assert_eq!(next(&mut subscription).await, Some(Event { id: 1, kind: verdict }));
}

pub(crate) async fn a_slow_subscriber_is_told_to_start_anew(bus: AnyBus) {
    let execution = ExecutionId::random();
    bus.publish(execution, status(Status::Running, 1)).await.unwrap();
    let mut slow = bus.subscribe(execution, None).await.unwrap();
    assert_eq!(ids(&mut slow, 1).await, [1]);
    for _ in 0..12 {
        write(&*bus, execution, b"a").await;
    }
    // Thirteen were published and the newest eight are kept: 6 to 13.
    let reset = next(&mut slow).await.expect("a reset");
    assert_eq!(reset, Event { id: 5, kind: EventKind::Reset { attempt: Attempt(1) } });
    assert_eq!(ids(&mut slow, 8).await, [6, 7, 8, 9, 10, 11, 12, 13]);
    write(&*bus, execution, b"a").await;
    assert_eq!(ids(&mut slow, 1).await, [14]);
}

pub(crate) async fn big_output_is_cut_from_the_front(bus: AnyBus) {
    let execution = ExecutionId::random();
    for _ in 0..3 {
        write(&*bus, execution, &[b'x'; 1_900]).await;
    }
    let mut late = bus.subscribe(execution, None).await.unwrap();
    assert!(matches!(next(&mut late).await, Some(Event { id: 1, kind: EventKind::Reset { .. } })));
    assert_eq!(ids(&mut late, 2).await, [2, 3]);
    write(&*bus, execution, &[b'x'; 9_000]).await;
    assert_eq!(ids(&mut late, 1).await, [4], "the newest is kept whatever its size");
}

pub(crate) async fn an_unknown_number_starts_anew(bus: AnyBus) {
    let execution = ExecutionId::random();
    write(&*bus, execution, b"a").await;
    let mut subscription = bus.subscribe(execution, Some(57)).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Some(Event { id: 0, kind: EventKind::Reset { .. } })));
    assert_eq!(ids(&mut subscription, 1).await, [1]);
}

pub(crate) async fn ended_executions_are_forgotten_first(bus: AnyBus) {
    let old = ExecutionId::random();
    bus.publish(old, status(Status::Running, 1)).await.unwrap();
    let ended: Vec<_> = (0..2 * LIMITS.executions).map(|_| ExecutionId::random()).collect();
    for execution in &ended {
        bus.publish(*execution, EventKind::Result).await.unwrap();
    }
    let mut subscription = bus.subscribe(old, None).await.unwrap();
    assert_eq!(ids(&mut subscription, 1).await, [1]);
    assert_eq!(bus.publish(old, EventKind::Result).await.unwrap(), 2);
    assert_eq!(bus.publish(ended[0], status(Status::Queued, 0)).await.unwrap(), 1, "it was forgotten");
}

pub(crate) async fn subscribers_of_a_forgotten_execution_are_let_go(bus: AnyBus) {
    let forgotten = ExecutionId::random();
    let mut subscription = bus.subscribe(forgotten, None).await.unwrap();
    let waits = tokio::spawn(async move { next(&mut subscription).await });
    tokio::task::yield_now().await;
    for _ in 0..LIMITS.executions {
        bus.publish(ExecutionId::random(), status(Status::Queued, 0)).await.unwrap();
    }
    assert_eq!(soon(waits).await.unwrap(), None);
}

pub(crate) async fn publishing_wakes_every_subscriber(bus: AnyBus) {
    let execution = ExecutionId::random();
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let mut subscription = bus.subscribe(execution, None).await.unwrap();
        waiting.spawn(async move { ids(&mut subscription, 1).await });
    }
    tokio::task::yield_now().await;
    bus.publish(execution, EventKind::Result).await.unwrap();
    assert_eq!(soon(waiting.join_all()).await, vec![vec![1]; 10]);
}

pub(crate) async fn a_dropped_wait_loses_nothing(bus: AnyBus) {
    let execution = ExecutionId::random();
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    tokio::select! {
        biased;
        _ = subscription.next() => panic!("nothing was published"),
        () = tokio::task::yield_now() => {}
    }
    write(&*bus, execution, b"a").await;
    assert_eq!(ids(&mut subscription, 1).await, [1]);
}
