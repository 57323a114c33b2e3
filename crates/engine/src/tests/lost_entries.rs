use std::sync::Arc;
use std::time::Duration;

use runbay_model::Priority;
use runbay_model::WorkerId;
use runbay_queue::Lane;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;

use super::Bench;
use super::settings;
use super::soon;
use crate::EngineSettings;
use crate::sweep::Looks;

#[tokio::test]
async fn an_entry_that_was_taken_and_never_claimed_is_queued_again() {
    let bench = Bench::new().await;
    let (lost, other) = (bench.queued().await, bench.queued().await);
    assert_eq!(bench.popped().await, lost.id);
    bench.engine.sweep_entries(&mut Looks::default()).await.unwrap();
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 2);
    assert_eq!(bench.engine.push_missing().await.unwrap(), 0);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 2, "each is in it once");
    let mut popped = [bench.popped().await, bench.popped().await];
    popped.sort_unstable();
    let mut expected = [lost.id, other.id];
    expected.sort_unstable();
    assert_eq!(popped, expected);
}

#[tokio::test]
async fn an_entry_whose_claim_takes_long_is_not_lost() {
    let bench = Bench::new().await;
    let slow = bench.queued().await;
    assert_eq!(bench.popped().await, slow.id);
    let (claiming, _) = bench.engine.running().enter(slow.id, WorkerId::random());
    assert_eq!(bench.engine.push_missing().await.unwrap(), 0);
    drop(claiming);
    assert_eq!(bench.engine.push_missing().await.unwrap(), 1);
}

#[tokio::test]
async fn an_emptied_queue_is_filled_from_the_rows() {
    let bench = Bench::new().await;
    let running = bench.queued().await;
    drop(bench.next().await);
    for _ in 0..600 {
        bench.one_shot_of(Priority::Low).await;
    }
    let urgent = bench.one_shot_of(Priority::High).await.id;

    let emptied: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
    let engine = bench.engine_with(Arc::clone(&emptied), Arc::clone(&bench.events), settings());
    engine.sweep_entries(&mut Looks::default()).await.unwrap();
    assert_eq!(emptied.depth().await.unwrap(), 601);
    assert_eq!(engine.push_missing().await.unwrap(), 0);
    let mut consumer = emptied.consumer(&[Lane::batch(&running.language)]);
    let first = [soon(consumer.pop()).await.unwrap().execution, soon(consumer.pop()).await.unwrap().execution];
    assert!(first.contains(&urgent), "the rows know how urgent each is");
}

#[tokio::test]
async fn what_was_just_queued_is_left_to_whoever_is_about_to_push_it() {
    let long = EngineSettings { sweep: Duration::from_secs(3_600), ..settings() };
    let bench = Bench::with(long).await;
    bench.queued().await;
    bench.popped().await;
    assert_eq!(bench.engine.push_missing().await.unwrap(), 0);
}
