//! What every queue must do; each function is one test and takes an empty queue.

use std::collections::HashMap;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::Lane;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::Priority;
use runbay_model::Timestamp;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Consumer;
use crate::Entry;
use crate::Flow;
use crate::Queue;
use crate::ReserveError;
use crate::Taken;

type AnyQueue = Arc<dyn Queue>;

const DEADLINE: Duration = Duration::from_secs(30);

/// Names all tests to a macro that makes them.
macro_rules! all {
    ($make:ident) => {
        $make! {
            first_come_first_served,
            a_retry_keeps_its_turn_but_waits_for_its_time,
            an_earlier_time_wakes_whoever_waits_for_a_later_one,
            two_that_are_due_at_once_wake_two,
            places_are_counted_strictly,
            a_place_that_is_not_used_is_given_back,
            what_was_accepted_before_is_taken_beyond_the_bound,
            the_same_execution_is_never_in_it_twice,
            what_is_removed_is_not_handed_out,
            a_dropped_pop_loses_nothing,
            a_dropped_consumer_loses_nothing,
            every_entry_is_handed_out_once,
            many_entries_of_one_flow_do_not_hold_up_another,
            turns_are_shared_by_weight,
            what_is_not_urgent_has_its_turn,
            urgent_entries_do_not_wait_for_others_of_their_flow,
            who_takes_entries_back_does_not_wait_for_their_turns,
            a_flow_that_was_idle_has_saved_nothing_up,
            lanes_take_turns,
            a_consumer_gets_its_lanes_only,
            what_is_missing_is_told,
        }
    };
}

pub(crate) use all;

pub(crate) fn python() -> Lane {
    Lane::batch(&LanguageId::new("python"))
}

pub(crate) fn entry(flow: &str) -> Entry {
    Entry {
        execution: ExecutionId::random(),
        flow: Flow::new(flow),
        lane: python(),
        priority: Priority::Normal,
        turn: None,
        not_before: None,
    }
}

fn entries(flow: &str, count: usize) -> Vec<Entry> {
    (0..count).map(|_| entry(flow)).collect()
}

fn delayed(entry: &Entry, delay: Duration) -> Entry {
    Entry { not_before: Some(Timestamp::now().after(delay)), ..entry.clone() }
}

fn urgent(entry: Entry, priority: Priority) -> Entry {
    Entry { priority, ..entry }
}

async fn push_all(queue: &AnyQueue, entries: &[Entry]) {
    for entry in entries {
        queue.push(entry.clone()).await.unwrap();
    }
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}

pub(crate) async fn pop(consumer: &mut Box<dyn Consumer>) -> Taken {
    soon(consumer.pop()).await.unwrap()
}

async fn popped(consumer: &mut Box<dyn Consumer>) -> ExecutionId {
    pop(consumer).await.execution
}

fn consumer(queue: &AnyQueue) -> Box<dyn Consumer> {
    queue.consumer(&[python()])
}

/// Returns how many are handed out before this one.
async fn before(consumer: &mut Box<dyn Consumer>, execution: ExecutionId) -> usize {
    let mut count = 0;
    while popped(consumer).await != execution {
        count += 1;
    }
    count
}

pub(crate) async fn first_come_first_served(queue: AnyQueue) {
    let entries = entries("flow", 5);
    push_all(&queue, &entries).await;
    assert_eq!(queue.depth().await.unwrap(), 5);
    let mut consumer = consumer(&queue);
    for expected in entries {
        assert_eq!(popped(&mut consumer).await, expected.execution);
    }
    assert_eq!(queue.depth().await.unwrap(), 0);
}

pub(crate) async fn a_retry_keeps_its_turn_but_waits_for_its_time(queue: AnyQueue) {
    let mut consumer = consumer(&queue);
    push_all(&queue, &entries("flow", 20)).await;
    let first = pop(&mut consumer).await;
    let second = pop(&mut consumer).await;
    assert!(first.turn < second.turn);

    queue.push(first.clone().again(Timestamp::now().after(Duration::from_secs(2)))).await.unwrap();
    queue.push(Entry { turn: Some(second.turn), execution: second.execution, ..entry("flow") }).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 20);
    assert_eq!(pop(&mut consumer).await, second, "it has waited longest of those that are due");
    let mut others = Vec::new();
    for _ in 0..17 {
        others.push(pop(&mut consumer).await.execution);
    }
    assert!(!others.contains(&first.execution) || queue.depth().await.unwrap() < 2, "it was handed out too early");
    let mut rest = [pop(&mut consumer).await, pop(&mut consumer).await];
    rest.sort_by_key(|taken| taken.turn);
    assert_eq!(rest[0], first, "it has kept its turn");
}

pub(crate) async fn an_earlier_time_wakes_whoever_waits_for_a_later_one(queue: AnyQueue) {
    let (late, early) = (entry("flow"), entry("flow"));
    queue.push(delayed(&late, 100 * DEADLINE)).await.unwrap();
    let mut consumer = consumer(&queue);
    let waits = tokio::spawn(async move { popped(&mut consumer).await });
    tokio::task::yield_now().await;
    queue.push(delayed(&early, Duration::from_millis(50))).await.unwrap();
    assert_eq!(soon(waits).await.unwrap(), early.execution);
}

pub(crate) async fn two_that_are_due_at_once_wake_two(queue: AnyQueue) {
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let mut consumer = consumer(&queue);
        waiting.spawn(async move { popped(&mut consumer).await });
    }
    tokio::task::yield_now().await;
    for _ in 0..2 {
        queue.push(delayed(&entry("flow"), Duration::from_millis(50))).await.unwrap();
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
    places.pop().unwrap().push(entry("flow")).await.unwrap();
    let refused = queue.reserve(8).await.err().expect("full");
    assert!(matches!(refused, ReserveError::Full { depth: 8, max: 8 }), "{refused}");
    popped(&mut consumer(&queue)).await;
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
    queue.push(entry("flow")).await.unwrap();
    queue.push(Entry { lane: Lane::batch(&LanguageId::new("rust")), ..entry("flow") }).await.unwrap();
    place.push(entry("flow")).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 3);
    assert!(matches!(queue.reserve(3).await.err(), Some(ReserveError::Full { depth: 3, max: 3 })));
}

pub(crate) async fn the_same_execution_is_never_in_it_twice(queue: AnyQueue) {
    let (first, second) = (entry("flow"), entry("flow"));
    push_all(&queue, &[first.clone(), second.clone(), first.clone()]).await;
    queue.push(delayed(&first, DEADLINE)).await.unwrap();
    let later = delayed(&entry("flow"), 100 * DEADLINE);
    push_all(&queue, &[later.clone(), later.clone(), Entry { not_before: None, ..later }]).await;
    assert_eq!(queue.depth().await.unwrap(), 3);
    let mut consumer = consumer(&queue);
    assert_eq!(popped(&mut consumer).await, first.execution, "it has kept its turn");
    assert_eq!(popped(&mut consumer).await, second.execution);
    assert_eq!(queue.depth().await.unwrap(), 1, "it has kept its time");
}

pub(crate) async fn what_is_removed_is_not_handed_out(queue: AnyQueue) {
    let (first, second, third) = (entry("flow"), entry("flow"), entry("flow"));
    queue.push(first.clone()).await.unwrap();
    queue.push(delayed(&second, DEADLINE)).await.unwrap();
    queue.push(third.clone()).await.unwrap();
    assert!(!queue.remove(first.execution, &Lane::batch(&LanguageId::new("rust"))).await.unwrap());
    assert!(queue.remove(first.execution, &first.lane).await.unwrap());
    assert!(queue.remove(second.execution, &second.lane).await.unwrap());
    assert!(!queue.remove(second.execution, &second.lane).await.unwrap());
    assert_eq!(popped(&mut consumer(&queue)).await, third.execution);
    assert_eq!(queue.depth().await.unwrap(), 0);
}

pub(crate) async fn a_dropped_pop_loses_nothing(queue: AnyQueue) {
    let mut consumer = consumer(&queue);
    for round in 0..50 {
        let pushed = entry("flow");
        // Given up before, while or after the entry comes.
        tokio::select! {
            biased;
            taken = consumer.pop() => panic!("nothing waits, but {taken:?}"),
            () = steps(round) => queue.push(pushed.clone()).await.unwrap(),
        }
        assert_eq!(popped(&mut consumer).await, pushed.execution);
    }
}

/// Lets others go on for a while.
async fn steps(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn a_dropped_consumer_loses_nothing(queue: AnyQueue) {
    for round in 0..20 {
        let mut abandoned = consumer(&queue);
        tokio::select! {
            biased;
            taken = abandoned.pop() => panic!("nothing waits, but {taken:?}"),
            () = steps(10 * round) => {}
        }
        let mut other = consumer(&queue);
        let pushed = entry("flow");
        queue.push(pushed.clone()).await.unwrap();
        drop(abandoned);
        assert_eq!(popped(&mut other).await, pushed.execution);
    }
}

pub(crate) async fn every_entry_is_handed_out_once(queue: AnyQueue) {
    const ENTRIES: usize = 400;
    let mut popping = JoinSet::new();
    for _ in 0..4 {
        let mut consumer = consumer(&queue);
        popping.spawn(async move {
            let mut got = Vec::new();
            for _ in 0..ENTRIES / 4 {
                got.push(popped(&mut consumer).await);
            }
            got
        });
    }
    let mut pushed = HashSet::new();
    for number in 0..ENTRIES {
        let entry = entry(&format!("flow {}", number % 7));
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

pub(crate) async fn many_entries_of_one_flow_do_not_hold_up_another(queue: AnyQueue) {
    let mut consumer = consumer(&queue);
    push_all(&queue, &entries("busy", 1_000)).await;
    let early = entry("early");
    queue.push(early.clone()).await.unwrap();
    assert!(before(&mut consumer, early.execution).await <= 2);
    for _ in 0..500 {
        pop(&mut consumer).await;
    }
    let late = urgent(entry("late"), Priority::Low);
    queue.push(late.clone()).await.unwrap();
    assert!(before(&mut consumer, late.execution).await <= 4);
}

pub(crate) async fn turns_are_shared_by_weight(queue: AnyQueue) {
    let mut priorities = HashMap::new();
    // Two flows compete by their priorities just as one flow with itself.
    for flow in ["one", "other"] {
        for priority in Priority::ALL {
            for entry in entries(flow, 60) {
                priorities.insert(entry.execution, *priority);
                queue.push(urgent(entry, *priority)).await.unwrap();
            }
        }
    }
    let mut consumer = consumer(&queue);
    let mut counts = HashMap::new();
    for _ in 0..70 {
        *counts.entry(priorities[&popped(&mut consumer).await]).or_insert(0) += 1;
    }
    // The first entry comes before there is anything to compare it with.
    for (priority, expected) in [(Priority::High, 40), (Priority::Normal, 20), (Priority::Low, 10)] {
        assert!((expected - 1..=expected + 1).contains(&counts[&priority]), "{counts:?}");
    }
}

pub(crate) async fn what_is_not_urgent_has_its_turn(queue: AnyQueue) {
    let mut consumer = consumer(&queue);
    // More comes in than is worked off, all of it urgent and each time from somebody else.
    push_all(&queue, &[urgent(entry("first"), Priority::High)]).await;
    let low = urgent(entry("low"), Priority::Low);
    queue.push(low.clone()).await.unwrap();
    for round in 0..60 {
        for _ in 0..2 {
            queue.push(urgent(entry(&ExecutionId::random().to_string()), Priority::High)).await.unwrap();
        }
        if popped(&mut consumer).await == low.execution {
            assert!(round > 0, "what is urgent comes first");
            return;
        }
    }
    panic!("it never had its turn");
}

pub(crate) async fn urgent_entries_do_not_wait_for_others_of_their_flow(queue: AnyQueue) {
    for entry in entries("flow", 200) {
        queue.push(urgent(entry, Priority::Low)).await.unwrap();
    }
    let now = urgent(entry("flow"), Priority::High);
    queue.push(now.clone()).await.unwrap();
    assert!(before(&mut consumer(&queue), now.execution).await <= 1);
}

pub(crate) async fn who_takes_entries_back_does_not_wait_for_their_turns(queue: AnyQueue) {
    let others = entries("other", 20);
    push_all(&queue, &others).await;
    let unwanted = entries("flow", 200);
    push_all(&queue, &unwanted).await;
    for entry in &unwanted {
        assert!(queue.remove(entry.execution, &entry.lane).await.unwrap());
    }
    let wanted = entry("flow");
    queue.push(wanted.clone()).await.unwrap();
    push_all(&queue, &entries("other", 100)).await;
    assert!(before(&mut consumer(&queue), wanted.execution).await <= others.len() + 2);
}

pub(crate) async fn a_flow_that_was_idle_has_saved_nothing_up(queue: AnyQueue) {
    let mut consumer = consumer(&queue);
    push_all(&queue, &entries("busy", 300)).await;
    for _ in 0..200 {
        pop(&mut consumer).await;
    }
    let burst = entries("idle", 50);
    push_all(&queue, &burst).await;
    let mut from_burst = 0;
    for _ in 0..40 {
        let execution = popped(&mut consumer).await;
        from_burst += usize::from(burst.iter().any(|entry| entry.execution == execution));
    }
    assert!((19..=21).contains(&from_burst), "{from_burst} of 40");
}

pub(crate) async fn lanes_take_turns(queue: AnyQueue) {
    let names = ["c", "java", "python"];
    for name in names {
        for entry in entries("flow", 40) {
            queue.push(Entry { lane: Lane::batch(&LanguageId::new(name)), ..entry }).await.unwrap();
        }
    }
    let mut consumer = queue.consumer(&names.map(|name| Lane::batch(&LanguageId::new(name))));
    let mut counts = HashMap::new();
    for _ in 0..30 {
        *counts.entry(pop(&mut consumer).await.lane).or_insert(0) += 1;
    }
    assert_eq!(counts, names.map(|name| (Lane::batch(&LanguageId::new(name)), 10)).into_iter().collect());
}

pub(crate) async fn a_consumer_gets_its_lanes_only(queue: AnyQueue) {
    let other = Entry { lane: Lane::batch(&LanguageId::new("rust")), ..entry("flow") };
    queue.push(other.clone()).await.unwrap();
    let mut consumer = consumer(&queue);
    tokio::select! {
        biased;
        taken = consumer.pop() => panic!("{taken:?}"),
        () = tokio::time::sleep(Duration::from_millis(50)) => {}
    }
    let own = entry("flow");
    queue.push(own.clone()).await.unwrap();
    assert_eq!(popped(&mut consumer).await, own.execution);
    let mut both = queue.consumer(&[python(), other.lane.clone()]);
    assert_eq!(pop(&mut both).await.lane, other.lane);
}

pub(crate) async fn what_is_missing_is_told(queue: AnyQueue) {
    let (ready, later, taken) = (entry("flow"), entry("flow"), entry("flow"));
    queue.push(taken.clone()).await.unwrap();
    assert_eq!(popped(&mut consumer(&queue)).await, taken.execution);
    queue.push(ready.clone()).await.unwrap();
    queue.push(delayed(&later, DEADLINE)).await.unwrap();
    let never = Entry { lane: Lane::batch(&LanguageId::new("rust")), ..entry("flow") };
    let asked: Vec<_> = [&ready, &never, &later, &taken].map(|entry| (entry.execution, entry.lane.clone())).into();
    let mut missing = queue.missing(&asked).await.unwrap();
    missing.sort();
    let mut expected = [never.execution, taken.execution];
    expected.sort();
    assert_eq!(missing, expected);
    assert!(queue.missing(&[]).await.unwrap().is_empty());
}
