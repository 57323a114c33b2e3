//! A queue that many processes share over Redis.
//!
//! Each lane has one sorted set of executions by turn. A script gives turns when entries are pushed. Consumers take
//! the lowest turn with `BZPOPMIN`, which waits at the server and wakes exactly one of them. An entry that was taken is
//! gone: from then on the lease in the row stands for it.

mod consumer;
mod keys;
mod releaser;
mod scripts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::Lane;
use async_trait::async_trait;
use redis::Script;
use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use runbay_redis::Prefix;
use runbay_redis::Redis;

use crate::Consumer;
use crate::Entry;
use crate::MAX_MISSING;
use crate::Place;
use crate::Queue;
use crate::QueueError;
use crate::ReserveError;

use self::consumer::RedisConsumer;
use self::keys::Keys;
use self::releaser::Releaser;
use self::scripts::Scripts;

/// A queue that many processes share over Redis; cheap to clone.
#[derive(Clone)]
pub struct RedisQueue {
    shared: Arc<Shared>,
}

struct Shared {
    redis: Redis,
    keys: Keys,
    scripts: Scripts,
    releaser: Releaser,
    /// The places that this process has reserved. Those of other processes are not counted, as nobody could give back
    /// the places of a process that died.
    reserved: AtomicUsize,
}

impl RedisQueue {
    /// Makes a queue of the keys that begin with `prefix`.
    ///
    /// Must be called within a tokio runtime, in which a task releases delayed entries until the last clone is gone.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix) -> Self {
        let keys = Keys::new(prefix);
        let scripts = Scripts::new();
        let releaser = Releaser::start(redis.clone(), keys.clone(), scripts.clone());
        Self { shared: Arc::new(Shared { redis, keys, scripts, releaser, reserved: AtomicUsize::new(0) }) }
    }
}

#[async_trait]
impl Queue for RedisQueue {
    async fn reserve(&self, max_depth: usize) -> Result<Box<dyn Place>, ReserveError> {
        let (place, reserved_before) = RedisPlace::reserve(&self.shared);
        let depth = self.shared.depth(&self.shared.scripts.reserve).await? + reserved_before;
        if depth >= max_depth {
            return Err(ReserveError::Full { depth, max: max_depth });
        }
        Ok(Box::new(place))
    }

    async fn push(&self, entry: Entry) -> Result<(), QueueError> {
        self.shared.push(&entry).await
    }

    async fn remove(&self, execution: ExecutionId, lane: &Lane) -> Result<bool, QueueError> {
        let Shared { redis, keys, .. } = &*self.shared;
        let execution = execution.to_string();
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.zrem(keys.ready(lane), &execution);
        pipeline.zrem(keys.delayed(lane), &execution);
        pipeline.hdel(keys.turns(lane), &execution).ignore();
        let (ready, delayed): (usize, usize) = redis.pipeline(&pipeline).await?;
        Ok(ready + delayed > 0)
    }

    async fn depth(&self) -> Result<usize, QueueError> {
        self.shared.depth(&self.shared.scripts.depth).await
    }

    async fn missing(&self, executions: &[(ExecutionId, Lane)]) -> Result<Vec<ExecutionId>, QueueError> {
        let Shared { redis, keys, .. } = &*self.shared;
        let mut by_lane = BTreeMap::<&Lane, Vec<ExecutionId>>::new();
        for (execution, lane) in executions.iter().take(MAX_MISSING) {
            by_lane.entry(lane).or_default().push(*execution);
        }
        let mut pipeline = redis::pipe();
        // Nothing may move from one set to the other between the looks.
        pipeline.atomic();
        for (lane, executions) in &by_lane {
            let names: Vec<_> = executions.iter().map(ExecutionId::to_string).collect();
            pipeline.zscore_multiple(keys.ready(lane), &names);
            pipeline.zscore_multiple(keys.delayed(lane), &names);
        }
        if by_lane.is_empty() {
            return Ok(Vec::new());
        }
        let scores: Vec<Vec<Option<f64>>> = redis.pipeline(&pipeline).await?;
        let mut missing = Vec::new();
        for (executions, sets) in by_lane.values().zip(scores.chunks(2)) {
            let held = |index: usize| sets.iter().any(|set| set.get(index).copied().flatten().is_some());
            missing.extend(executions.iter().enumerate().filter(|(index, _)| !held(*index)).map(|(_, id)| *id));
        }
        Ok(missing)
    }

    fn consumer(&self, lanes: &[Lane]) -> Box<dyn Consumer> {
        Box::new(RedisConsumer::new(self.shared.redis.clone(), self.shared.keys.clone(), lanes))
    }
}

impl Shared {
    /// Runs a script that counts all entries.
    async fn depth(&self, script: &Script) -> Result<usize, QueueError> {
        Ok(self.redis.script(script.key(self.keys.lanes()).arg(self.keys.prefix())).await?)
    }

    async fn push(&self, entry: &Entry) -> Result<(), QueueError> {
        let Entry { execution, flow, lane, priority, turn, not_before, .. } = entry;
        // The clocks of hosts differ, so the wait is sent and not the time.
        let wait = not_before.map(|time| time.since(Timestamp::now())).unwrap_or_default();
        let mut call = self.scripts.push.prepare_invoke();
        for key in [
            self.keys.ready(lane),
            self.keys.delayed(lane),
            self.keys.turns(lane),
            self.keys.flows(lane),
            self.keys.clock(lane),
            self.keys.lanes(),
        ] {
            call.key(key);
        }
        call.arg(execution.to_string());
        call.arg(format!("{priority}:{}", flow.as_str()));
        call.arg(1.0 / f64::from(priority.weight()));
        call.arg(turn.map(|turn| turn.to_string()).unwrap_or_default());
        call.arg(wait.as_micros().div_ceil(1_000).to_string());
        call.arg(lane.as_str());
        self.redis.script::<i64>(&call).await?;
        if !wait.is_zero() {
            self.releaser.look();
        }
        Ok(())
    }
}

/// A place that was reserved; dropping it gives it back.
struct RedisPlace {
    shared: Arc<Shared>,
}

impl RedisPlace {
    /// Reserves a place, and returns with it how many this process had reserved before.
    fn reserve(shared: &Arc<Shared>) -> (Self, usize) {
        let before = shared.reserved.fetch_add(1, Ordering::Relaxed);
        (Self { shared: Arc::clone(shared) }, before)
    }
}

#[async_trait]
impl Place for RedisPlace {
    async fn push(self: Box<Self>, entry: Entry) -> Result<(), QueueError> {
        self.shared.push(&entry).await
    }
}

impl Drop for RedisPlace {
    fn drop(&mut self) {
        self.shared.reserved.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
