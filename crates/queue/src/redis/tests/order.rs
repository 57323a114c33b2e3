//! The order over Redis is that in memory.

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;
use runbay_model::Priority;
use runbay_redis::Redis;
use runbay_testkit::RedisServer;

use super::RedisQueue;
use crate::Entry;
use crate::MemoryQueue;
use crate::Queue;
use crate::Taken;
use crate::suite::entry;
use crate::suite::pop;
use crate::suite::python;

#[derive(Debug, Clone)]
enum Step {
    Push { flow: u8, priority: Priority },
    Pop,
    Remove(Index),
    Retry(Index),
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop::sample::select(Priority::ALL);
    prop_oneof![
        4 => (0..4_u8, priority).prop_map(|(flow, priority)| Step::Push { flow, priority }),
        3 => Just(Step::Pop),
        1 => any::<Index>().prop_map(Step::Remove),
        1 => any::<Index>().prop_map(Step::Retry),
    ]
}

/// Two queues that are told the same.
struct Pair {
    memory: Arc<dyn Queue>,
    redis: Arc<dyn Queue>,
    waiting: Vec<Entry>,
    taken: Vec<(Entry, Taken, Taken)>,
}

impl Pair {
    async fn carry_out(&mut self, step: &Step) {
        match step {
            Step::Push { flow, priority } => {
                let entry = Entry { priority: *priority, ..entry(&flow.to_string()) };
                self.push(entry.clone(), entry).await;
            }
            Step::Pop if self.waiting.is_empty() => {}
            Step::Pop => {
                let in_memory = pop(&mut self.memory.consumer(&[python()])).await;
                let in_redis = pop(&mut self.redis.consumer(&[python()])).await;
                assert_eq!(in_memory.execution, in_redis.execution);
                let index = self.waiting.iter().position(|entry| entry.execution == in_memory.execution);
                let entry = self.waiting.remove(index.expect("it was waiting"));
                self.taken.push((entry, in_memory, in_redis));
                self.compare_turns();
            }
            Step::Remove(_) if self.waiting.is_empty() => {}
            Step::Remove(index) => {
                let entry = self.waiting.remove(index.index(self.waiting.len()));
                for queue in [&self.memory, &self.redis] {
                    assert!(queue.remove(entry.execution, &entry.lane).await.unwrap());
                }
            }
            Step::Retry(_) if self.taken.is_empty() => {}
            Step::Retry(index) => {
                let (entry, in_memory, in_redis) = self.taken.remove(index.index(self.taken.len()));
                let again = |taken: Taken| Entry { turn: Some(taken.turn), ..entry.clone() };
                self.push(again(in_memory), again(in_redis)).await;
            }
        }
    }

    async fn push(&mut self, in_memory: Entry, in_redis: Entry) {
        self.waiting.push(in_memory.clone());
        self.memory.push(in_memory).await.unwrap();
        self.redis.push(in_redis).await.unwrap();
    }

    /// They began at different times, so the turns are equal but for one difference.
    fn compare_turns(&self) {
        let difference = |(_, in_memory, in_redis): &(Entry, Taken, Taken)| in_memory.turn.get() - in_redis.turn.get();
        let all: Vec<_> = self.taken.iter().map(difference).collect();
        assert!(all.iter().all(|one| (one - all[0]).abs() < 0.1), "{all:?}");
    }
}

#[test]
fn memory_and_redis_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start());
    let redis = {
        let _inside = runtime.enter();
        Redis::open(server.url().parse().unwrap())
    };
    let case = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let result = runner.run(&prop::collection::vec(step(), 1..60), |steps| {
        case.set(case.get() + 1);
        let prefix = format!("case{}", case.get()).parse().unwrap();
        runtime.block_on(async {
            let memory = Arc::new(MemoryQueue::new());
            let redis = Arc::new(RedisQueue::new(redis.clone(), &prefix));
            let mut pair = Pair { memory, redis, waiting: Vec::new(), taken: Vec::new() };
            for step in &steps {
                pair.carry_out(step).await;
            }
            while !pair.waiting.is_empty() {
                pair.carry_out(&Step::Pop).await;
            }
        });
        Ok(())
    });
    result.unwrap();
}
