use std::sync::Arc;

use runbay_model::ExecutionId;

use super::MemoryQueue;
use crate::Flow;
use crate::Queue;
use crate::suite;

macro_rules! runs {
    ($($case:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                suite::$case(Arc::new(MemoryQueue::new())).await;
            }
        )*
    };
}

suite::all!(runs);

#[tokio::test]
async fn flows_that_only_come_and_go_are_forgotten() {
    let queue = MemoryQueue::new();
    queue.push(suite::entry("stays")).await.unwrap();
    for _ in 0..3_000 {
        let passing = suite::entry(Flow::new(ExecutionId::random().to_string()).as_str());
        queue.push(passing.clone()).await.unwrap();
        assert!(queue.remove(passing.execution, &passing.lane).await.unwrap());
    }
    let flows = queue.shared.lock().orders.values().map(super::Order::flows).sum::<usize>();
    assert!(flows <= 1_001, "{flows}");
}
