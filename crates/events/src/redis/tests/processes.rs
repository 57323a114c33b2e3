//! Several processes that share one bus.

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_testkit::RedisServer;
use tokio::task::JoinSet;

use super::LIMITS;
use super::connect;
use crate::Event;
use crate::EventBus;
use crate::EventKind;
use crate::RedisEventBusLimits;
use crate::suite::ids;
use crate::suite::next;
use crate::suite::write;

const ROOMY: RedisEventBusLimits = RedisEventBusLimits { events: 1_000, bytes: 1_000_000, executions: 100, ..LIMITS };

#[tokio::test]
async fn everybody_sees_everything_in_order() {
    let server = RedisServer::start().await;
    let (worker, api) = (connect(&server, ROOMY), connect(&server, ROOMY));
    let execution = ExecutionId::random();
    let mut watching = JoinSet::new();
    for after in [None, None, Some(1)] {
        let mut subscription = api.subscribe(execution, after).await.unwrap();
        watching.spawn(async move {
            let mut seen = Vec::new();
            while let Some(event) = next(&mut subscription).await {
                seen.push(event.id);
            }
            seen
        });
    }
    for _ in 0..199 {
        write(&worker, execution, b"a line of output\n").await;
    }
    worker.publish(execution, EventKind::Result).await.unwrap();
    for seen in watching.join_all().await {
        // Whoever came before the first event with a number that was not given yet is told to start anew.
        let seen: Vec<_> = seen.into_iter().skip_while(|id| *id == 0).collect();
        assert!(seen == (1..=200).collect::<Vec<_>>() || seen == (2..=200).collect::<Vec<_>>(), "{seen:?}");
    }
}

#[tokio::test]
async fn numbers_have_no_gaps_whoever_publishes() {
    let server = RedisServer::start().await;
    let execution = ExecutionId::random();
    let mut publishing = JoinSet::new();
    for _ in 0..4 {
        let bus = connect(&server, ROOMY);
        publishing.spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..50 {
                ids.push(write(&bus, execution, b"a").await);
            }
            ids
        });
    }
    let mut given = publishing.join_all().await.concat();
    given.sort_unstable();
    assert_eq!(given, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_that_does_not_read_holds_nobody_up() {
    let server = RedisServer::start().await;
    let (worker, api) = (connect(&server, LIMITS), connect(&server, LIMITS));
    let execution = ExecutionId::random();
    let mut idle = api.subscribe(execution, None).await.unwrap();
    let mut eager = api.subscribe(execution, None).await.unwrap();
    worker.publish(execution, EventKind::Reset { attempt: Attempt(1) }).await.unwrap();
    assert_eq!(ids(&mut eager, 1).await, [1]);
    for expected in 2..=100 {
        write(&worker, execution, &[b'x'; 100]).await;
        assert_eq!(ids(&mut eager, 1).await, [expected]);
    }
    let reset = Event { id: 92, kind: EventKind::Reset { attempt: Attempt(1) } };
    assert_eq!(next(&mut idle).await, Some(reset));
    assert_eq!(ids(&mut idle, 8).await, (93..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_one_forgets_lets_subscribers_of_others_go() {
    let server = RedisServer::start().await;
    let worker = connect(&server, RedisEventBusLimits { total_bytes: 3_000, ..LIMITS });
    let api = connect(&server, LIMITS);
    let forgotten = ExecutionId::random();
    write(&worker, forgotten, b"a").await;
    let mut subscription = api.subscribe(forgotten, None).await.unwrap();
    assert_eq!(ids(&mut subscription, 1).await, [1]);
    let waits = tokio::spawn(async move { next(&mut subscription).await });
    for _ in 0..3 {
        write(&worker, ExecutionId::random(), &[b'x'; 1_000]).await;
    }
    assert_eq!(waits.await.unwrap(), None);
}
