//! Tests over a real Redis.

mod outage;
mod processes;

use std::sync::Arc;
use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;

use super::RedisEventBus;
use super::RedisEventBusLimits;
use crate::EventBus;
use crate::EventKind;
use crate::suite;

const LIMITS: RedisEventBusLimits = RedisEventBusLimits {
    executions: suite::LIMITS.executions,
    remembered_bytes: 0,
    events: suite::LIMITS.events,
    bytes: suite::LIMITS.bytes,
    total_bytes: suite::LIMITS.total_bytes,
    expiry: Duration::from_secs(600),
    expiry_after_end: Duration::from_secs(60),
};

/// Connects as a process of its own does.
fn connect(server: &RedisServer, limits: RedisEventBusLimits) -> RedisEventBus {
    RedisEventBus::new(Redis::open(server.url().parse().unwrap()), &Prefix::default(), limits)
}

macro_rules! runs {
    ($($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let server = RedisServer::start().await;
                suite::$case(Arc::new(connect(&server, LIMITS))).await;
            }
        )*
    };
}

suite::all!(runs);

#[tokio::test]
async fn asking_for_unknown_executions_leaves_nothing_behind() {
    let server = RedisServer::start().await;
    let bus = connect(&server, LIMITS);
    for _ in 0..3 {
        drop(bus.subscribe(ExecutionId::random(), None).await.unwrap());
    }
    assert_eq!(bus.shared.known.len(), 0);
    assert!(keys(&server).await.is_empty());
}

#[tokio::test]
async fn all_executions_together_are_bounded_in_bytes() {
    let server = RedisServer::start().await;
    let bus = connect(&server, RedisEventBusLimits { total_bytes: 10_000, executions: 100, ..LIMITS });
    for _ in 0..50 {
        suite::write(&bus, ExecutionId::random(), &[b'x'; 900]).await;
        assert!(bus.shared.known.len() <= 10);
        assert!(keys(&server).await.len() <= 2 * 10);
    }
}

#[tokio::test]
async fn an_execution_of_few_bytes_is_remembered_only_while_it_is_watched() {
    let server = RedisServer::start().await;
    let bus = connect(&server, RedisEventBusLimits { remembered_bytes: 1_000, ..LIMITS });
    let execution = ExecutionId::random();
    suite::write(&bus, execution, b"a").await;
    assert_eq!(bus.shared.known.len(), 0);
    let subscription = bus.subscribe(execution, None).await.unwrap();
    suite::write(&bus, execution, b"b").await;
    assert_eq!(bus.shared.known.len(), 1);
    drop(subscription);
    assert_eq!(bus.shared.known.len(), 0);
    suite::write(&bus, execution, &[b'x'; 1_000]).await;
    assert_eq!(bus.shared.known.len(), 1, "its events count from now on");
    bus.publish(execution, EventKind::Result).await.unwrap();
    assert_eq!(bus.shared.known.len(), 1);
}

#[tokio::test]
async fn everything_expires() {
    let server = RedisServer::start().await;
    let bus = connect(&server, LIMITS);
    let (goes_on, ended) = (ExecutionId::random(), ExecutionId::random());
    suite::write(&bus, goes_on, b"a").await;
    bus.publish(ended, EventKind::Result).await.unwrap();
    let redis = Redis::open(server.url().parse().unwrap());
    for key in keys(&server).await {
        let left: i64 = redis.query(redis::cmd("PTTL").arg(&key)).await.unwrap();
        let longest = if key.contains(&ended.to_string()) { LIMITS.expiry_after_end } else { LIMITS.expiry };
        assert!((1..=i64::try_from(longest.as_millis()).unwrap()).contains(&left), "{key}: {left}");
    }
}

/// What docs/scale.md tells of the memory that Redis needs.
#[tokio::test]
async fn a_short_run_that_has_ended_takes_five_kilobytes_for_a_minute() {
    let server = RedisServer::start().await;
    let bus = connect(&server, RedisEventBusLimits::default());
    let execution = ExecutionId::random();
    for (status, attempt) in [(Status::Queued, 0), (Status::Running, 1), (Status::Completed, 1)] {
        let kind = EventKind::Status { status, attempt: Attempt(attempt), at: Timestamp::now() };
        bus.publish(execution, kind).await.unwrap();
    }
    bus.publish(execution, EventKind::Result).await.unwrap();
    let redis = Redis::open(server.url().parse().unwrap());
    let mut bytes = 0;
    for key in keys(&server).await {
        let left: u64 = redis.query(redis::cmd("PTTL").arg(&key)).await.unwrap();
        assert!(left <= 60_000, "{key}: {left}");
        let usage: u64 = redis.query(redis::cmd("MEMORY").arg("USAGE").arg(&key)).await.unwrap();
        bytes += usage;
    }
    assert!(bytes < 6_000, "{bytes}");
}

/// Returns the names of all keys.
async fn keys(server: &RedisServer) -> Vec<String> {
    let redis = Redis::open(server.url().parse().unwrap());
    redis.query(redis::cmd("KEYS").arg("*")).await.unwrap()
}
