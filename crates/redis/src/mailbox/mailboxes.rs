//! The mailboxes of one subject, and how much they hold.

use std::sync::Arc;
use std::time::Duration;

use redis::FromRedisValue;
use redis::aio::MultiplexedConnection;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::keys::Keys;
use crate::CALL_DEADLINE;
use crate::Error;
use crate::Prefix;
use crate::Redis;

/// How many signs of life a receiver gives within the time after which silence counts as its end.
pub(super) const BEATS: u32 = 4;

/// How long Redis keeps what is written for one process only.
pub(super) const KEPT: Duration = Duration::from_secs(30);

/// All mailboxes of one subject; cheap to clone.
#[derive(Clone)]
pub struct Mailboxes {
    pub(super) redis: Redis,
    pub(super) keys: Keys,
    pub(super) limits: MailboxLimits,
    /// One permit for each message that this process may have under way, as each has a connection of its own.
    pub(super) permits: Arc<Semaphore>,
}

/// How much mailboxes of one subject hold, and for how long; the same at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxLimits {
    /// Messages that wait in one mailbox, and messages that one process has under way.
    pub messages: usize,
    /// Bytes of a message, and of a reply.
    pub bytes: usize,
    /// How long a message waits for a receiver to take it.
    pub wait: Duration,
    /// How long a receiver may work on it.
    pub work: Duration,
    /// How long after its last sign of life the other end counts as gone.
    pub silence: Duration,
}

impl MailboxLimits {
    /// Returns the time between two signs of life.
    pub(super) fn beat(&self) -> Duration {
        self.silence / BEATS
    }
}

impl Mailboxes {
    /// Makes the mailboxes of `subject`, a plain word, under keys that begin with `prefix`.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix, subject: &str, limits: MailboxLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.messages));
        Self { redis, keys: Keys::new(prefix, subject), limits, permits }
    }

    /// Waits for an entry of one of these lists and takes it from there.
    ///
    /// CANCEL: an entry that arrives meanwhile may be lost, and the connection must not be used again.
    pub(super) async fn pop<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
        lists: &[String],
        wait: Duration,
    ) -> Result<Option<(String, T)>, Error> {
        let mut command = redis::cmd("BLPOP");
        // Redis takes zero for "without end".
        command.arg(lists).arg(wait.max(Duration::from_millis(1)).as_secs_f64());
        match timeout(wait + CALL_DEADLINE, command.query_async(connection)).await {
            Ok(popped) => popped.map_err(|error| self.redis.explain(&error)),
            Err(_) => Err(self.redis.silent()),
        }
    }
}

/// Returns whole milliseconds, as Redis takes them.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
