//! The streams at the server.

use std::sync::Arc;
use std::time::Duration;

use redis::Script;
use redis::streams::StreamRangeReply;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_redis::Error;
use runbay_redis::Prefix;
use runbay_redis::Redis;

use super::codec::decode;
use super::codec::encode;
use super::limits::RedisEventBusLimits;
use crate::Event;
use crate::EventKind;

/// How many events one page has.
const PAGE: usize = 32;

/// Reads and writes the events of executions.
pub(super) struct Streams {
    redis: Redis,
    keys: Keys,
    publish: Arc<Script>,
    limits: RedisEventBusLimits,
}

/// The names of all keys of one bus; the keys of one execution stay together where keys are spread over several
/// servers.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

/// Some events of an execution, and the state of its stream at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// The birth of the stream, by which streams of the same execution are told apart.
    pub(super) birth: Option<u64>,
    /// The number of the newest event.
    pub(super) last: u64,
    /// The number of the newest event that is no longer kept.
    pub(super) dropped: u64,
    attempt: Attempt,
    pub(super) ended: bool,
    /// The next events by number; an event of an unknown kind is none.
    pub(super) events: Vec<(u64, Option<EventKind>)>,
}

type State = (Option<u64>, Option<u64>, Option<u64>, Option<u32>, Option<u8>);

impl Keys {
    /// Returns the name of a stream, which is also the channel of its wake-ups.
    pub(super) fn stream(&self, execution: ExecutionId) -> String {
        format!("{}{{{execution}}}", self.prefix)
    }

    /// Returns the execution that a channel belongs to.
    pub(super) fn execution(&self, channel: &str) -> Option<ExecutionId> {
        channel.strip_prefix(&self.prefix)?.strip_prefix('{')?.strip_suffix('}')?.parse().ok()
    }

    /// Returns the name of a channel on which nothing is ever published.
    pub(super) fn nothing(&self) -> String {
        format!("{}nothing", self.prefix)
    }

    fn state(&self, execution: ExecutionId) -> String {
        format!("{}{{{execution}}}:state", self.prefix)
    }
}

impl Streams {
    pub(super) fn new(redis: Redis, prefix: &Prefix, limits: RedisEventBusLimits) -> Self {
        let publish = Arc::new(Script::new(include_str!("lua/publish.lua")));
        Self { redis, keys: Keys { prefix: format!("{prefix}:events:") }, publish, limits }
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// Adds an event; returns its number, and how many bytes are kept of the execution.
    ///
    /// The first event of a stream gives it its `birth`.
    pub(super) async fn publish(
        &self,
        execution: ExecutionId,
        birth: u64,
        kind: &EventKind,
    ) -> Result<(u64, usize), Error> {
        let attempt = kind.attempt().map_or_else(String::new, |attempt| attempt.0.to_string());
        let mut call = self.publish.prepare_invoke();
        call.key(self.keys.stream(execution)).key(self.keys.state(execution));
        call.arg(birth).arg(self.limits.events).arg(self.limits.bytes);
        call.arg(milliseconds(self.limits.expiry)).arg(milliseconds(self.limits.expiry_after_end));
        call.arg(kind.bytes()).arg(attempt).arg(u8::from(*kind == EventKind::Result));
        // Of the largest attempt, an event that it makes void is void of any other.
        call.arg(u8::from(kind.is_void(Attempt(u32::MAX)))).arg(Event::NUMBERS_OF_AN_ATTEMPT);
        for field in encode(kind) {
            call.arg(field);
        }
        self.redis.script(&call).await
    }

    /// Reads events after number `position`. Where nothing is kept of an execution, the page is empty and has no birth.
    pub(super) async fn read(&self, execution: ExecutionId, position: u64) -> Result<Page, Error> {
        let first = format!("{}-0", position.saturating_add(1));
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        let state = pipeline.cmd("HMGET").arg(self.keys.state(execution));
        state.arg("birth").arg("last").arg("dropped").arg("attempt").arg("ended");
        pipeline.xrange_count(self.keys.stream(execution), first, "+", PAGE);
        let (state, range): (State, StreamRangeReply) = self.redis.pipeline(&pipeline).await?;
        let (Some(birth), Some(last), dropped, attempt, ended) = state else {
            return Ok(Page::default());
        };
        let events = range.ids.iter().map(|entry| (number(&entry.id), decode(&entry.map))).collect();
        let attempt = Attempt(attempt.unwrap_or_default());
        let dropped = dropped.unwrap_or_default();
        Ok(Page { birth: Some(birth), last, dropped, attempt, ended: ended.is_some(), events })
    }

    /// Removes the events of these executions, and wakes everybody who waits for more of them.
    pub(super) async fn forget(&self, executions: &[ExecutionId]) -> Result<(), Error> {
        if executions.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for execution in executions {
            let stream = self.keys.stream(*execution);
            pipeline.unlink(&[&stream, &self.keys.state(*execution)]).ignore();
            pipeline.publish(&stream, "").ignore();
        }
        self.redis.pipeline(&pipeline).await
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { birth: None, last: 0, dropped: 0, attempt: Attempt(0), ended: false, events: Vec::new() }
    }
}

impl Page {
    /// Returns the reset that leads to everything that is kept.
    pub(super) fn reset(&self) -> Event {
        Event { id: self.dropped, kind: EventKind::Reset { attempt: self.attempt } }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the number of an event by its id; 0 if the id has another form, which no subscription waits for.
fn number(id: &str) -> u64 {
    id.split_once('-').and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}
