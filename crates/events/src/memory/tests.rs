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

suite::all!(runs);

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
