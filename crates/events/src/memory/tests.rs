use std::sync::Arc;

use super::MemoryEventBus;
use super::MemoryEventBusLimits;
use crate::suite;

macro_rules! runs {
    ($($case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                suite::$case(Arc::new(MemoryEventBus::new(suite::LIMITS))).await;
            }
        )*
    };
}

runs! {
    events_are_numbered_per_execution,
    what_was_before_comes_before_what_is_new,
    a_subscription_goes_on_where_another_one_stopped,
    after_the_result_there_is_nothing,
    who_comes_again_after_the_result_gets_it_once_more_or_the_end,
    a_slow_subscriber_is_told_to_start_anew,
    big_output_is_cut_from_the_front,
    an_unknown_number_starts_anew,
    ended_executions_are_forgotten_first,
    subscribers_of_a_forgotten_execution_are_let_go,
    publishing_wakes_every_subscriber,
    a_dropped_wait_loses_nothing,
}

#[tokio::test]
async fn all_executions_together_are_bounded_in_bytes() {
    let bus = MemoryEventBus::new(MemoryEventBusLimits { total_bytes: 10_000, ..suite::LIMITS });
    for _ in 0..100 {
        suite::write(&bus, runbay_model::ExecutionId::random(), &[b'x'; 900]).await;
        let channels = bus.shared.lock();
        assert!(channels.bytes() <= 10_000);
    }
}

#[tokio::test]
async fn asking_for_unknown_executions_leaves_nothing_behind() {
    let bus = MemoryEventBus::new(suite::LIMITS);
    for _ in 0..3 {
        let subscription = crate::EventBus::subscribe(&bus, runbay_model::ExecutionId::random(), None).await.unwrap();
        drop(subscription);
    }
    assert_eq!(bus.shared.lock().len(), 0);
}
