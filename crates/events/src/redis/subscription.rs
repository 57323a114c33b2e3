//! A position in the stream of an execution.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use tokio::time::timeout;

use super::known::Watch;
use super::shared::Shared;
use super::stream::Page;
use crate::Event;
use crate::EventKind;
use crate::EventsError;
use crate::Subscription;

/// How long to wait for a wake-up before looking all the same, as streams expire without one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct RedisSubscription {
    shared: Arc<Shared>,
    execution: ExecutionId,
    watch: Arc<Watch>,
    /// The number of the last event that was handed out.
    position: u64,
    /// The birth of the stream that was read, by which a later stream of the same execution is told apart.
    birth: Option<u64>,
    /// Events that were read but not handed out yet.
    page: VecDeque<(u64, Option<EventKind>)>,
    over: bool,
}

/// What follows the position.
enum Step {
    Reset(Event),
    Read,
    Wait,
    Over,
}

impl RedisSubscription {
    pub(super) fn new(shared: Arc<Shared>, execution: ExecutionId, watch: Arc<Watch>, position: u64) -> Self {
        Self { shared, execution, watch, position, birth: None, page: VecDeque::new(), over: false }
    }

    /// Takes the next event that was read; skips those that this version does not know.
    fn next_read(&mut self) -> Option<Event> {
        while let Some((id, kind)) = self.page.pop_front() {
            self.position = id;
            if let Some(kind) = kind {
                self.over = kind == EventKind::Result;
                return Some(Event { id, kind });
            }
        }
        None
    }

    fn step(&mut self, page: Page) -> Step {
        if self.birth.is_some() && self.birth != page.birth {
            return Step::Over;
        }
        self.birth = page.birth;
        // A position beyond the end belongs to an earlier stream whose numbers are forgotten.
        if self.position < page.dropped || self.position > page.last {
            return Step::Reset(page.reset());
        }
        if !page.events.is_empty() {
            self.page = page.events.into();
            return Step::Read;
        }
        // By its state the stream has more events, but they are gone: somebody has removed them.
        if page.ended || self.position < page.last || self.watch.is_forgotten() { Step::Over } else { Step::Wait }
    }
}

#[async_trait]
impl Subscription for RedisSubscription {
    async fn next(&mut self) -> Result<Option<Event>, EventsError> {
        loop {
            if self.over {
                return Ok(None);
            }
            // CANCEL: nothing is awaited between a change of the position and the return.
            if let Some(event) = self.next_read() {
                return Ok(Some(event));
            }
            let watch = Arc::clone(&self.watch);
            // Registered before the look, so that an event that comes in between is not missed.
            let changed = watch.changed.notified();
            let page = self.shared.streams.read(self.execution, self.position).await?;
            match self.step(page) {
                Step::Reset(reset) => {
                    self.position = reset.id;
                    return Ok(Some(reset));
                }
                Step::Read => {}
                Step::Over => self.over = true,
                // Whether woken or not, the next look tells.
                Step::Wait => drop(timeout(LONGEST_WAIT, changed).await),
            }
        }
    }
}

impl Drop for RedisSubscription {
    fn drop(&mut self) {
        self.shared.known.leave(self.execution, &self.watch);
        self.shared.listener.look();
    }
}
