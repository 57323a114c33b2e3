//! A Redis that goes, comes back empty, or says nothing.

use crate::Lane;
use runbay_model::LanguageId;
use std::time::Duration;

use runbay_testkit::RedisServer;

use super::connect;
use crate::Entry;
use crate::Queue;
use crate::QueueError;
use crate::ReserveError;
use crate::suite::entry;
use crate::suite::pop;
use crate::suite::python;
use crate::suite::soon;

const PAUSE: Duration = Duration::from_millis(20);

/// Pushes until it works.
async fn push_again(queue: &dyn Queue, entry: &Entry) {
    soon(async {
        while queue.push(entry.clone()).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

async fn assert_unavailable(queue: &dyn Queue) {
    let entry = entry("flow");
    assert!(matches!(soon(queue.reserve(10)).await.err(), Some(ReserveError::Failed(_))));
    assert!(soon(queue.push(entry.clone())).await.is_err());
    assert!(soon(queue.remove(entry.execution, &entry.lane)).await.is_err());
    assert!(soon(queue.depth()).await.is_err());
    assert!(soon(queue.missing(&[(entry.execution, entry.lane)])).await.is_err());
    let error: QueueError = soon(queue.consumer(&[python()]).pop()).await.expect_err("it is away");
    assert!(error.0.to_string().starts_with("Redis at 127.0.0.1:"), "{}", error.0);
}

#[tokio::test]
async fn it_comes_back_empty_under_a_waiting_consumer() {
    let mut server = RedisServer::start().await;
    let queue = connect(&server);
    let lost = entry("flow");
    queue.push(Entry { lane: Lane::batch(&LanguageId::new("rust")), ..lost.clone() }).await.unwrap();
    let mut consumer = queue.consumer(&[python()]);
    let waits = tokio::spawn(async move {
        let interrupted = soon(consumer.pop()).await;
        (consumer, interrupted)
    });
    tokio::time::sleep(PAUSE).await;
    server.kill();
    let (mut consumer, interrupted) = waits.await.unwrap();
    assert!(interrupted.is_err());
    assert_unavailable(&*queue).await;

    server.restart().await;
    let fresh = entry("flow");
    push_again(&*queue, &fresh).await;
    let asked = [(lost.execution, Lane::batch(&LanguageId::new("rust"))), (fresh.execution, python())];
    assert_eq!(queue.missing(&asked).await.unwrap(), [lost.execution]);
    assert_eq!(queue.depth().await.unwrap(), 1);
    let taken = soon(async {
        loop {
            match consumer.pop().await {
                Ok(taken) => return taken,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    });
    assert_eq!(taken.await.execution, fresh.execution);
}

#[tokio::test]
async fn a_retry_from_before_everything_was_lost_comes_first() {
    let mut server = RedisServer::start().await;
    let queue = connect(&server);
    queue.push(entry("flow")).await.unwrap();
    let taken = pop(&mut queue.consumer(&[python()])).await;
    server.kill();
    server.restart().await;
    push_again(&*queue, &entry("flow")).await;
    queue.push(Entry { execution: taken.execution, turn: Some(taken.turn), ..entry("flow") }).await.unwrap();
    assert_eq!(pop(&mut queue.consumer(&[python()])).await, taken);
}

#[tokio::test]
async fn a_silent_one_holds_nobody_up() {
    let server = RedisServer::start().await;
    let queue = connect(&server);
    queue.depth().await.unwrap();
    server.pause();
    assert_unavailable(&*queue).await;
    server.resume();
    let entry = entry("flow");
    push_again(&*queue, &entry).await;
    // What was sent before may have happened after all.
    let mut consumer = queue.consumer(&[python()]);
    while pop(&mut consumer).await.execution != entry.execution {}
}

#[tokio::test]
async fn places_are_given_back_when_it_is_away() {
    let mut server = RedisServer::start().await;
    let queue = connect(&server);
    let place = queue.reserve(1).await.expect("the place is free");
    server.kill();
    assert!(soon(place.push(entry("flow"))).await.is_err());
    for _ in 0..5 {
        assert!(soon(queue.reserve(1)).await.is_err());
    }
    server.restart().await;
    soon(async {
        while queue.reserve(1).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_full_one_has_no_places() {
    let server = runbay_testkit::Redis::default().args(["--maxmemory", "1"]).start().await;
    let queue = connect(&server);
    assert_eq!(soon(queue.depth()).await.unwrap(), 0, "it can be read");
    let Some(ReserveError::Failed(error)) = soon(queue.reserve(10)).await.err() else {
        panic!("there is a place");
    };
    assert!(error.0.to_string().contains("has no memory left"), "{}", error.0);
}
