//! A Redis that goes, comes back empty, drops connections or says nothing.

use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;

use super::LIMITS;
use super::connect;
use crate::Event;
use crate::EventBus;
use crate::EventKind;
use crate::RedisEventBusLimits;
use crate::Subscription;
use crate::suite::ids;
use crate::suite::soon;
use crate::suite::write;

const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the next event, also while the bus is away.
async fn next(subscription: &mut Box<dyn Subscription>) -> Option<Event> {
    soon(async {
        loop {
            match subscription.next().await {
                Ok(next) => return next,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    })
    .await
}

/// Publishes until it works.
async fn publish(bus: &dyn EventBus, execution: ExecutionId) -> u64 {
    soon(async {
        loop {
            match bus.publish(execution, EventKind::Result).await {
                Ok(id) => return id,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_connections_break() {
    const EVENTS: u64 = 200;
    let limits = RedisEventBusLimits { events: 1_000, bytes: 1_000_000, ..LIMITS };
    let server = RedisServer::start().await;
    let (worker, api) = (connect(&server, limits), connect(&server, limits));
    let execution = ExecutionId::random();
    let mut subscription = api.subscribe(execution, None).await.unwrap();
    let watching = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = next(&mut subscription).await {
            seen.push(event.id);
        }
        seen
    });
    let mut last = 0;
    for number in 0..EVENTS {
        if number % 50 == 10 {
            let redis = Redis::open(server.url().parse().unwrap());
            for kind in ["pubsub", "normal"] {
                let mut kill = redis::cmd("CLIENT");
                kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
                redis.query::<i64>(&kill).await.unwrap();
            }
        }
        let output = crate::suite::output(1, b"a");
        // One that fails may have been added all the same; what counts is what has got a number.
        last = worker.publish(execution, output).await.unwrap_or(last);
        tokio::task::yield_now().await;
    }
    last = publish(&worker, execution).await.max(last);
    assert!(last > EVENTS / 2);
    assert_eq!(soon(watching).await.unwrap(), (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_had_read_is_let_go_and_who_had_not_goes_on_when_it_comes_back_empty() {
    let mut server = RedisServer::start().await;
    let bus = connect(&server, LIMITS);
    let (begun, new) = (ExecutionId::random(), ExecutionId::random());
    let mut had_read = bus.subscribe(begun, None).await.unwrap();
    let mut had_not = bus.subscribe(new, None).await.unwrap();
    write(&bus, begun, b"a").await;
    assert_eq!(ids(&mut had_read, 1).await, [1]);
    server.kill();
    assert!(soon(bus.publish(new, EventKind::Result)).await.is_err());
    assert!(soon(had_not.next()).await.is_err());
    server.restart().await;
    assert_eq!(publish(&bus, new).await, 1);
    assert_eq!(next(&mut had_not).await, Some(Event { id: 1, kind: EventKind::Result }));
    assert_eq!(next(&mut had_read).await, None);
}

#[tokio::test]
async fn a_silent_one_holds_nobody_up() {
    let server = RedisServer::start().await;
    let bus = connect(&server, LIMITS);
    let execution = ExecutionId::random();
    write(&bus, execution, b"a").await;
    server.pause();
    assert!(soon(bus.publish(execution, EventKind::Result)).await.is_err());
    let mut subscription = bus.subscribe(execution, None).await.unwrap();
    assert!(soon(subscription.next()).await.is_err());
    server.resume();
    let last = publish(&bus, execution).await;
    let mut seen = Vec::new();
    while let Some(event) = next(&mut subscription).await {
        seen.push(event.id);
    }
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());
}
