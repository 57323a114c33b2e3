//! Taking entries.

use std::collections::VecDeque;
use std::future::Future;
use std::future::pending;
use std::mem;
use std::pin::Pin;
use std::time::Duration;

use crate::Lane;
use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use runbay_model::ExecutionId;
use runbay_redis::CALL_DEADLINE;
use runbay_redis::Error;
use runbay_redis::Redis;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::keys::Keys;
use crate::Consumer;
use crate::QueueError;
use crate::Taken;
use crate::Turn;

/// How long one request waits at the server. A broken connection is noticed within this time and that of a call.
const WAIT: Duration = Duration::from_secs(1);

/// Takes entries over a connection of its own.
pub(super) struct RedisConsumer {
    redis: Redis,
    keys: Keys,
    /// The lanes; the server looks at the first one first, so the one that was served last is the last.
    lanes: VecDeque<Lane>,
    progress: Progress,
}

/// A request to Redis. It outlives the call that made it, as Redis may have handed out an entry when a call is dropped.
enum Progress {
    Idle(Option<MultiplexedConnection>),
    Requested(Request),
}

type Request = Pin<Box<dyn Future<Output = (Option<MultiplexedConnection>, Answer)> + Send>>;

type Answer = Result<Option<Popped>, Error>;

/// The key, the member and its score.
type Popped = (String, String, f64);

impl RedisConsumer {
    pub(super) fn new(redis: Redis, keys: Keys, lanes: &[Lane]) -> Self {
        let lanes = lanes.iter().cloned().collect();
        Self { redis, keys, lanes, progress: Progress::Idle(None) }
    }

    /// Waits for the answer to the request under way; makes one if there is none.
    async fn answer(&mut self) -> Answer {
        if let Progress::Idle(connection) = &mut self.progress {
            let keys = self.lanes.iter().map(|lane| self.keys.ready(lane)).collect();
            self.progress = Progress::Requested(Box::pin(request(self.redis.clone(), connection.take(), keys)));
        }
        let Progress::Requested(request) = &mut self.progress else {
            return Ok(None);
        };
        // CANCEL: the request stays in `progress`, and the next call waits for it.
        let (connection, answer) = request.as_mut().await;
        self.progress = Progress::Idle(connection);
        answer
    }

    fn taken(&mut self, (key, member, score): Popped) -> Option<Taken> {
        let index = self.lanes.iter().position(|lane| self.keys.ready(lane) == key)?;
        let lane = self.lanes[index].clone();
        self.lanes.rotate_left(index + 1);
        Some(Taken { execution: member.parse::<ExecutionId>().ok()?, lane, turn: Turn::new(score)? })
    }
}

#[async_trait]
impl Consumer for RedisConsumer {
    async fn pop(&mut self) -> Result<Taken, QueueError> {
        if self.lanes.is_empty() {
            return pending().await;
        }
        loop {
            let Some(popped) = self.answer().await? else { continue };
            if let Some(taken) = self.taken(popped) {
                return Ok(taken);
            }
            tracing::error!("the queue held something that is not an execution; it was dropped");
        }
    }
}

impl Drop for RedisConsumer {
    fn drop(&mut self) {
        let Progress::Requested(request) = mem::replace(&mut self.progress, Progress::Idle(None)) else {
            return;
        };
        // When the whole process ends, the connection closes with it and the server takes the request back.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(give_back(self.redis.clone(), request));
        }
    }
}

/// Waits a few seconds at most until the request has ended, and puts back what it took, at the same turn.
async fn give_back(redis: Redis, request: Request) {
    let (_, Ok(Some((key, member, score)))) = request.await else {
        return;
    };
    let mut command = redis::cmd("ZADD");
    command.arg(key).arg("NX").arg(score).arg(&member);
    if let Err(error) = redis.query::<i64>(&command).await {
        tracing::info!(execution.id = member, error = %error, "an entry was not given back and waits to be found missing");
    }
}

/// Takes the lowest turn of the first key that has one.
async fn request(
    redis: Redis,
    connection: Option<MultiplexedConnection>,
    keys: Vec<String>,
) -> (Option<MultiplexedConnection>, Answer) {
    let mut connection = match connection {
        Some(connection) => connection,
        None => match redis.dedicated().await {
            Ok(connection) => connection,
            Err(error) => return (None, Err(error)),
        },
    };
    let mut command = redis::cmd("BZPOPMIN");
    command.arg(keys).arg(WAIT.as_secs_f64());
    match timeout(WAIT + CALL_DEADLINE, command.query_async(&mut connection)).await {
        Ok(Ok(popped)) => (Some(connection), Ok(popped)),
        Ok(Err(error)) => (None, Err(redis.explain(&error))),
        Err(_) => (None, Err(redis.silent())),
    }
}
