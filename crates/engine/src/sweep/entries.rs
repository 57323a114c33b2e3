//! Putting back the entries that the queue has lost.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use runbay_model::ExecutionId;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_queue::MAX_MISSING;
use runbay_store::ExecutionHead;
use tokio::time::Instant;

use crate::Engine;
use crate::Unavailable;
use crate::outage::Part;
use crate::queueing::entry::entry;
use crate::queueing::entry::lane;

/// How long a queue that seems full enough is trusted. A surplus entry may hide a missing one.
const LONGEST_TRUST: Duration = Duration::from_secs(60);

/// Looking at all entries takes at most one part in this many of the time.
const PART_OF_TIME: u32 = 20;

/// How many entries are sent to the queue at one time. They are sent in order.
const PUSHES: usize = 32;

/// The time and the duration of the last look at the queue's entries.
#[derive(Debug)]
pub(crate) struct Looks {
    last_end: Instant,
    last_duration: Duration,
}

impl Default for Looks {
    /// Trusts the queue at first, so that processes that start together do not all look at a long one.
    fn default() -> Self {
        Self { last_end: Instant::now(), last_duration: Duration::ZERO }
    }
}

impl Looks {
    /// Returns whether a look is due. `is_short` says whether the queue holds fewer entries than there are queued rows.
    fn is_due(&self, is_short: bool) -> bool {
        let since = self.last_end.elapsed();
        since >= self.last_duration * PART_OF_TIME && (is_short || since >= LONGEST_TRUST)
    }

    fn looked(&mut self, began: Instant) {
        self.last_end = Instant::now();
        self.last_duration = self.last_end - began;
    }
}

impl Engine {
    /// Queues again the queued rows that have no entry. While queue and rows agree, this costs two counts.
    pub(crate) async fn sweep_entries(&self, looks: &mut Looks) -> Result<(), Unavailable> {
        let queued = self.store().queued().await?;
        if queued == 0 {
            return Ok(());
        }
        let depth = match self.queue().depth().await {
            Ok(depth) => u64::try_from(depth).unwrap_or(u64::MAX),
            Err(error) => {
                self.outages().failed(Part::Queue, &error);
                return Ok(());
            }
        };
        if !looks.is_due(depth < queued) {
            return Ok(());
        }
        let began = Instant::now();
        let found = self.push_missing().await;
        looks.looked(began);
        match found? {
            0 => {}
            executions => tracing::info!(executions, "the queue had lost executions; they are queued again"),
        }
        Ok(())
    }

    /// Pushes all queued rows that have no entry. Returns how many.
    pub(crate) async fn push_missing(&self) -> Result<usize, Unavailable> {
        let mut pushed = 0;
        let mut after = None;
        loop {
            let limit = u64::try_from(MAX_MISSING).unwrap_or(u64::MAX);
            let page = self.store().executions_with_status(Status::Queued, after, limit).await?;
            let Some(last) = page.last() else { return Ok(pushed) };
            after = Some((last.created_at, last.id));
            match self.push_missing_of(&page).await {
                Ok(count) => pushed += count,
                Err(error) => {
                    self.outages().failed(Part::Queue, &error);
                    return Ok(pushed);
                }
            }
        }
    }

    async fn push_missing_of(&self, page: &[ExecutionHead]) -> Result<usize, runbay_queue::QueueError> {
        let ids: Vec<_> = page.iter().map(|head| (head.id, lane(head))).collect();
        let missing: HashSet<ExecutionId> = self.queue().missing(&ids).await?.into_iter().collect();
        let now = Timestamp::now();
        let lost = page.iter().filter(|head| missing.contains(&head.id) && !self.is_on_its_way(head, now));
        // One that this process is claiming has left the queue, however long the database takes.
        let lost = lost.filter(|head| !self.running().holds(head.id));
        // Collected first, because the compiler takes a stream of closures over references for not `Send`.
        let pushes: Vec<_> = lost.map(|head| self.queue().push(entry(head))).collect();
        let pushed = stream::iter(pushes)
            .buffered(PUSHES)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        self.outages().answered(Part::Queue);
        Ok(pushed.len())
    }

    /// Returns whether a row was queued so recently that somebody is still about to push or claim it.
    ///
    /// A wrong clock delays nothing.
    fn is_on_its_way(&self, head: &ExecutionHead, now: Timestamp) -> bool {
        let apart = now.since(head.queued_at).max(head.queued_at.since(now));
        apart < self.settings().sweep
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn entries_are_looked_at_when_some_are_missing_but_not_all_the_time() {
        let mut looks = Looks::default();
        assert!(looks.is_due(true) && !looks.is_due(false), "at the start");
        let began = Instant::now();
        advance(Duration::from_secs(1)).await;
        looks.looked(began);
        assert!(!looks.is_due(true), "it took a second");
        advance(Duration::from_secs(20)).await;
        assert!(looks.is_due(true));
        assert!(!looks.is_due(false), "nothing seems to be missing");
        advance(LONGEST_TRUST).await;
        assert!(looks.is_due(false), "something may be missing all the same");
    }
}
