//! Receiving the wake-ups for all subscriptions of one process.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::RedisResult;
use redis::aio::PubSubSink;
use runbay_model::ExecutionId;
use runbay_redis::CALL_DEADLINE;
use runbay_redis::Error;
use runbay_redis::Redis;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;

use super::known::Known;
use super::stream::Keys;

/// How long to wait before connecting again. Subscriptions look for events themselves as often.
const PAUSE: Duration = Duration::from_millis(250);

/// How often the connection is tested, as a broken one may stay silent.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How many channels one command names.
const BATCH: usize = 500;

/// A task that listens; stops when dropped.
pub(super) struct Listener {
    task: JoinHandle<()>,
    changed: Arc<Notify>,
}

impl Listener {
    pub(super) fn start(redis: Redis, keys: Keys, known: Arc<Known>) -> Self {
        let changed = Arc::new(Notify::new());
        let task = tokio::spawn(keep_listening(redis, keys, known, Arc::clone(&changed)));
        Self { task, changed }
    }

    /// Tells the task that subscriptions have come or gone.
    pub(super) fn look(&self) {
        self.changed.notify_one();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_listening(redis: Redis, keys: Keys, known: Arc<Known>, changed: Arc<Notify>) {
    loop {
        if let Err(error) = listen(&redis, &keys, &known, &changed).await {
            tracing::debug!(error = %error, "no wake-ups for events; listening again");
        }
        known.end_listening();
        sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen(redis: &Redis, keys: &Keys, known: &Known, changed: &Notify) -> Result<(), Error> {
    let (sink, mut messages) = redis.listener().await?.split();
    let mut channels = Channels { redis, keys, sink, joined: HashSet::new() };
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    known.begin_listening();
    channels.follow(known).await?;
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => {
                    if let Some(execution) = keys.execution(message.get_channel_name()) {
                        known.wake(execution);
                    }
                }
                None => return Ok(()),
            },
            () = changed.notified() => channels.follow(known).await?,
            _ = heartbeat.tick() => channels.beat().await?,
        }
    }
}

/// The channels of one connection.
struct Channels<'a> {
    redis: &'a Redis,
    keys: &'a Keys,
    sink: PubSubSink,
    joined: HashSet<ExecutionId>,
}

impl Channels<'_> {
    /// Joins and leaves channels, as subscriptions have come and gone.
    async fn follow(&mut self, known: &Known) -> Result<(), Error> {
        let (wanted, unwanted): (Vec<_>, Vec<_>) = known.changes().into_iter().partition(|(_, watched)| *watched);
        let wanted: Vec<_> = wanted.into_iter().map(|(id, _)| id).filter(|id| !self.joined.contains(id)).collect();
        for batch in wanted.chunks(BATCH) {
            let names: Vec<_> = batch.iter().map(|id| self.keys.stream(*id)).collect();
            confirmed(self.redis, self.sink.subscribe(names)).await?;
            for execution in batch {
                self.joined.insert(*execution);
                // Events that were published before the channel was joined woke nobody.
                known.wake(*execution);
            }
        }
        let unwanted: Vec<_> = unwanted.into_iter().map(|(id, _)| id).filter(|id| self.joined.remove(id)).collect();
        for batch in unwanted.chunks(BATCH) {
            let names: Vec<_> = batch.iter().map(|id| self.keys.stream(*id)).collect();
            confirmed(self.redis, self.sink.unsubscribe(names)).await?;
        }
        Ok(())
    }

    /// Finds out whether the connection still answers.
    async fn beat(&mut self) -> Result<(), Error> {
        confirmed(self.redis, self.sink.subscribe(self.keys.nothing())).await
    }
}

async fn confirmed(redis: &Redis, call: impl Future<Output = RedisResult<()>>) -> Result<(), Error> {
    match timeout(CALL_DEADLINE, call).await {
        Ok(answer) => answer.map_err(|error| redis.explain(&error)),
        Err(_) => Err(redis.silent()),
    }
}
