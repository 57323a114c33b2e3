//! What a long queue leaves behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use runbay_model::ExecutionId;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;
use tokio::task::JoinSet;

use super::connect;
use crate::suite::entry;
use crate::suite::pop;
use crate::suite::python;
use crate::suite::soon;

const ENTRIES: usize = 10_000;
const CLIENTS: usize = 50;

async fn keys(redis: &Redis) -> BTreeSet<String> {
    redis.query(redis::cmd("KEYS").arg("*")).await.unwrap()
}

async fn flows(redis: &Redis) -> usize {
    redis.query(redis::cmd("ZCARD").arg("runbay:{queue}:flows:python")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_leaves_nothing_behind() {
    let server = RedisServer::start().await;
    let redis = Redis::open(server.url().parse().unwrap());
    let queue = connect(&server);
    let mut pushing = JoinSet::new();
    for client in 0..CLIENTS {
        let queue = Arc::clone(&queue);
        pushing.spawn(async move {
            for number in 0..ENTRIES / CLIENTS {
                queue.push(entry(&format!("{client}-{number}"))).await.unwrap();
            }
        });
    }
    soon(pushing.join_all()).await;
    assert_eq!(queue.depth().await.unwrap(), ENTRIES);
    assert!(flows(&redis).await <= ENTRIES);

    let mut consumer = queue.consumer(&[python()]);
    let mut last = pop(&mut consumer).await.turn;
    for _ in 1..ENTRIES {
        let turn = pop(&mut consumer).await.turn;
        assert!(turn >= last);
        last = turn;
    }
    assert_eq!(queue.depth().await.unwrap(), 0);
    queue.push(entry("flow")).await.unwrap();
    assert_eq!(flows(&redis).await, 1, "flows that were served are forgotten");
    pop(&mut consumer).await;
    let left = ["clock:python", "flows:python", "languages"].map(|name| format!("runbay:{{queue}}:{name}"));
    assert_eq!(keys(&redis).await, left.into());
}

#[tokio::test]
async fn flows_that_only_come_and_go_are_forgotten() {
    let server = RedisServer::start().await;
    let redis = Redis::open(server.url().parse().unwrap());
    let queue = connect(&server);
    queue.push(entry("stays")).await.unwrap();
    for _ in 0..1_500 {
        let passing = entry(&ExecutionId::random().to_string());
        queue.push(passing.clone()).await.unwrap();
        assert!(queue.remove(passing.execution, &passing.lane).await.unwrap());
    }
    assert!(flows(&redis).await <= 1_001);
}
