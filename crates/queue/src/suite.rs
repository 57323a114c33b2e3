//! What every queue must do; each function is one test and takes an empty queue.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Entry;
use crate::Queue;
use crate::ReserveError;

type AnyQueue = Arc<dyn Queue>;

const DEADLINE: Duration = Duration::from_secs(30);

fn entry(accepted_at: i64) -> Entry {
    Entry {
        execution: ExecutionId::random(),
        tenant: TenantId::default(),
        accepted_at: Timestamp::from_micros(accepted_at),
        not_before: None,
    }
}

fn delayed(entry: &Entry, delay: Duration) -> Entry {
    let micros = i64::try_from(delay.as_micros()).unwrap();
    Entry { not_before: Some(Timestamp::from_micros(Timestamp::now().as_micros() + micros)), ..entry.clone() }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

async fn popped(queue: &AnyQueue) -> ExecutionId {
    soon(queue.pop()).await.unwrap().execution
}

pub(crate) async fn first_come_first_served(queue: AnyQueue) {
    let entries = [entry(1), entry(2), entry(3)];
    for index in [1, 2, 0] {
        queue.push(entries[index].clone()).await.unwrap();
    }
    assert_eq!(queue.depth().await.unwrap(), 3);
    for expected in entries {
        assert_eq!(soon(queue.pop()).await.unwrap(), expected);
    }
    assert_eq!(queue.depth().await.unwrap(), 0);
}

pub(crate) async fn a_retry_keeps_its_place_but_waits_for_its_time(queue: AnyQueue) {
    let (old, new, newest) = (entry(1), entry(2), entry(3));
    queue.push(delayed(&old, Duration::from_millis(200))).await.unwrap();
    queue.push(new.clone()).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 2);
    assert_eq!(popped(&queue).await, new.execution, "the retry is not due");
    assert_eq!(popped(&queue).await, old.execution, "nothing else waits");

    queue.push(delayed(&old, Duration::from_nanos(1))).await.unwrap();
    queue.push(newest.clone()).await.unwrap();
    assert_eq!(popped(&queue).await, old.execution, "the retry is due and came first");
    assert_eq!(popped(&queue).await, newest.execution);
}

pub(crate) async fn an_earlier_time_wakes_whoever_waits_for_a_later_one(queue: AnyQueue) {
    let (late, early) = (entry(1), entry(2));
    queue.push(delayed(&late, 100 * DEADLINE)).await.unwrap();
    let waits = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.pop().await.unwrap().execution }
    });
    tokio::task::yield_now().await;
    queue.push(delayed(&early, Duration::from_millis(50))).await.unwrap();
    assert_eq!(soon(waits).await.unwrap(), early.execution);
}

pub(crate) async fn two_that_are_due_at_once_wake_two(queue: AnyQueue) {
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let queue = Arc::clone(&queue);
        waiting.spawn(async move { queue.pop().await.unwrap().execution });
    }
    tokio::task::yield_now().await;
    for accepted_at in [1, 2] {
        queue.push(delayed(&entry(accepted_at), Duration::from_millis(50))).await.unwrap();
    }
    assert_eq!(soon(waiting.join_all()).await.len(), 2);
}

pub(crate) async fn places_are_counted_strictly(queue: AnyQueue) {
    let mut reserving = JoinSet::new();
    for _ in 0..20 {
        let queue = Arc::clone(&queue);
        reserving.spawn(async move { queue.reserve(8).await });
    }
    let results = soon(reserving.join_all()).await;
    let mut places: Vec<_> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(places.len(), 8);
    places.pop().unwrap().push(entry(1)).await.unwrap();
    let refused = queue.reserve(8).await.err().expect("full");
    assert!(matches!(refused, ReserveError::Full { depth: 8, max: 8 }), "{refused}");
    popped(&queue).await;
    queue.reserve(8).await.expect("one place is free");
}

pub(crate) async fn a_place_that_is_not_used_is_given_back(queue: AnyQueue) {
    for _ in 0..3 {
        drop(queue.reserve(1).await.expect("the place is free"));
    }
    assert!(matches!(queue.reserve(0).await.err(), Some(ReserveError::Full { depth: 0, max: 0 })));
}

pub(crate) async fn what_was_accepted_before_is_taken_beyond_the_bound(queue: AnyQueue) {
    let place = queue.reserve(1).await.expect("the place is free");
    queue.push(entry(1)).await.unwrap();
    queue.push(entry(2)).await.unwrap();
    place.push(entry(3)).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 3);
    assert!(matches!(queue.reserve(3).await.err(), Some(ReserveError::Full { depth: 3, max: 3 })));
}

pub(crate) async fn the_same_execution_is_never_in_it_twice(queue: AnyQueue) {
    let twice = entry(1);
    queue.push(delayed(&twice, DEADLINE)).await.unwrap();
    queue.push(twice.clone()).await.unwrap();
    queue.push(twice.clone()).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 1);
    assert_eq!(popped(&queue).await, twice.execution);
    assert_eq!(queue.depth().await.unwrap(), 0);
}

pub(crate) async fn what_is_removed_is_not_handed_out(queue: AnyQueue) {
    let (first, second, third) = (entry(1), entry(2), entry(3));
    queue.push(first.clone()).await.unwrap();
    queue.push(delayed(&second, Duration::from_millis(1))).await.unwrap();
    queue.push(third.clone()).await.unwrap();
    assert!(queue.remove(first.execution).await.unwrap());
    assert!(queue.remove(second.execution).await.unwrap());
    assert!(!queue.remove(second.execution).await.unwrap());
    assert_eq!(popped(&queue).await, third.execution);
    assert_eq!(queue.depth().await.unwrap(), 0);
}

pub(crate) async fn a_dropped_pop_loses_nothing(queue: AnyQueue) {
    for accepted_at in 0..50 {
        let abandoned = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.pop().await.map(|_| ()) }
        });
        let waits = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.pop().await.unwrap().execution }
        });
        tokio::task::yield_now().await;
        abandoned.abort();
        let pushed = entry(accepted_at);
        queue.push(pushed.clone()).await.unwrap();
        // The abandoned call may have been first, but then it was not dropped in time and answers.
        if soon(abandoned).await.is_ok() {
            queue.push(pushed.clone()).await.unwrap();
        }
        assert_eq!(soon(waits).await.unwrap(), pushed.execution);
    }
}

pub(crate) async fn every_entry_is_handed_out_once(queue: AnyQueue) {
    const ENTRIES: usize = 400;
    let mut popping = JoinSet::new();
    for _ in 0..4 {
        let queue = Arc::clone(&queue);
        popping.spawn(async move {
            let mut got = Vec::new();
            for _ in 0..ENTRIES / 4 {
                got.push(popped(&queue).await);
            }
            got
        });
    }
    let mut pushed = HashSet::new();
    for number in 0..ENTRIES {
        let entry = entry(i64::try_from(number % 7).unwrap());
        pushed.insert(entry.execution);
        match queue.reserve(ENTRIES).await {
            Ok(place) => place.push(entry).await.unwrap(),
            Err(refused) => panic!("{refused}"),
        }
    }
    let got: Vec<_> = soon(popping.join_all()).await.concat();
    assert_eq!(got.len(), ENTRIES);
    assert_eq!(got.into_iter().collect::<HashSet<_>>(), pushed);
}
