//! Several processes that share one queue.

use std::collections::HashSet;
use std::time::Duration;

use runbay_model::Timestamp;
use runbay_testkit::RedisServer;
use tokio::task::JoinSet;

use super::connect;
use crate::Entry;
use crate::ReserveError;
use crate::suite::entry;
use crate::suite::pop;
use crate::suite::python;
use crate::suite::soon;

#[tokio::test]
async fn what_one_pushes_wakes_the_other() {
    let server = RedisServer::start().await;
    let (one, other) = (connect(&server), connect(&server));
    let mut consumer = other.consumer(&[python()]);
    for delay in [Duration::ZERO, Duration::from_millis(20)] {
        let pushed = Entry { not_before: Some(Timestamp::now().after(delay)), ..entry("flow") };
        let (taken, sent) = tokio::join!(pop(&mut consumer), one.push(pushed.clone()));
        sent.unwrap();
        assert_eq!(taken.execution, pushed.execution);
    }
}

#[tokio::test]
async fn what_a_dead_one_delayed_is_released_by_another() {
    let server = RedisServer::start().await;
    let dead = connect(&server);
    let delayed = Entry { not_before: Some(Timestamp::now().after(Duration::from_millis(100))), ..entry("flow") };
    dead.push(delayed.clone()).await.unwrap();
    drop(dead);
    let other = connect(&server);
    assert_eq!(pop(&mut other.consumer(&[python()])).await.execution, delayed.execution);
}

#[tokio::test]
async fn a_flow_of_one_is_served_soon_whoever_pushes_and_pops() {
    let server = RedisServer::start().await;
    let processes = [connect(&server), connect(&server), connect(&server)];
    let mut consumers: Vec<_> = processes.iter().map(|queue| queue.consumer(&[python()])).collect();
    for number in 0..600 {
        processes[number % 3].push(entry("busy")).await.unwrap();
    }
    // Virtual time has to follow what others take, without anything being pushed meanwhile.
    for number in 0..300 {
        pop(&mut consumers[number % 3]).await;
    }
    let single = entry("single");
    processes[1].push(single.clone()).await.unwrap();
    let mut order = Vec::new();
    for number in 0..5 {
        order.push(pop(&mut consumers[number % 3]).await.execution);
    }
    assert!(order[..3].contains(&single.execution));
}

#[tokio::test]
async fn every_entry_is_handed_out_once() {
    const ENTRIES: usize = 300;
    let server = RedisServer::start().await;
    let mut popping = JoinSet::new();
    for _ in 0..3 {
        let queue = connect(&server);
        popping.spawn(async move {
            let mut consumer = queue.consumer(&[python()]);
            let mut got = Vec::new();
            for _ in 0..ENTRIES / 3 {
                got.push(pop(&mut consumer).await.execution);
            }
            got
        });
    }
    let mut pushing = JoinSet::new();
    let entries: Vec<_> = (0..ENTRIES).map(|number| entry(&format!("flow {}", number % 5))).collect();
    let pushed: HashSet<_> = entries.iter().map(|entry| entry.execution).collect();
    for entries in entries.chunks(ENTRIES / 2).map(<[Entry]>::to_vec) {
        let queue = connect(&server);
        pushing.spawn(async move {
            for entry in entries {
                queue.push(entry.clone()).await.unwrap();
                queue.push(entry).await.unwrap();
            }
        });
    }
    soon(pushing.join_all()).await;
    let got = soon(popping.join_all()).await.concat();
    // An entry that was taken between its two pushes comes twice: whoever claims second finds it claimed.
    assert!(got.iter().all(|execution| pushed.contains(execution)));
}

#[tokio::test]
async fn the_bound_holds_for_all_together() {
    let server = RedisServer::start().await;
    let (one, other) = (connect(&server), connect(&server));
    for queue in [&one, &other].into_iter().cycle().take(10) {
        queue.reserve(10).await.expect("there is room").push(entry("flow")).await.unwrap();
    }
    for queue in [&one, &other] {
        assert!(matches!(queue.reserve(10).await.err(), Some(ReserveError::Full { depth: 10, max: 10 })));
    }
}
