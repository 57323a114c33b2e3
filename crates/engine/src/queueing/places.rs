//! Places in the queue, and the executions that take them.

use runbay_queue::Place;
use runbay_queue::ReserveError;
use runbay_shares::Client;
use runbay_store::ExecutionHead;
use tokio::time::timeout;

use crate::Engine;
use crate::NoPlace;
use crate::Unavailable;
use crate::outage::Part;
use crate::queueing::entry::entry;
use crate::queueing::entry::flow_of_client;
use crate::queueing::entry::lane;
use crate::queueing::waiting::Claimed;
use crate::watch::read::READ_PATIENCE;

/// A reserved place in the queue.
pub(crate) struct Reserved {
    /// None while the queue is away.
    place: Option<Box<dyn Place>>,
    client: Option<Client>,
    claimed: Option<Claimed>,
}

impl Engine {
    /// Reserves a place in the queue, for a client unless an operator asks.
    pub(crate) async fn place(&self, client: Option<Client>) -> Result<Reserved, NoPlace> {
        let max = self.settings().queue_max_depth;
        let claimed = client.map(|client| self.waiting().claim(client, max));
        let most_taken = claimed.as_ref().map_or(max, |claimed| claimed.most_taken);
        match self.place_below(most_taken).await {
            Ok(place) => Ok(Reserved { place, client, claimed }),
            Err(NoPlace::Full { depth, .. }) => Err(match claimed {
                Some(Claimed { held, .. }) if depth < max => NoPlace::Share { held, max },
                _ => NoPlace::Full { depth, max },
            }),
            Err(error) => Err(error),
        }
    }

    /// Reserves a place while fewer than `max` are taken. Returns none while the queue is away and executions are
    /// accepted without it.
    async fn place_below(&self, max: usize) -> Result<Option<Box<dyn Place>>, NoPlace> {
        match self.queue().reserve(max).await {
            Ok(place) => {
                self.outages().answered(Part::Queue);
                Ok(Some(place))
            }
            Err(ReserveError::Full { depth, max }) => Err(NoPlace::Full { depth, max }),
            Err(ReserveError::Failed(error)) => {
                self.outages().failed(Part::Queue, &error);
                if self.settings().require_queue {
                    return Err(NoPlace::QueueUnavailable(error.into()));
                }
                self.place_among_rows(max).await
            }
        }
    }

    /// Counts the queued rows to find out whether there is a place. While the queue is away, only the rows tell.
    async fn place_among_rows(&self, max: usize) -> Result<Option<Box<dyn Place>>, NoPlace> {
        let queued = timeout(READ_PATIENCE, self.store().queued()).await;
        let queued = queued.map_err(Unavailable::new).and_then(|queued| Ok(queued?)).map_err(NoPlace::Unavailable)?;
        let depth = usize::try_from(queued).unwrap_or(usize::MAX);
        if depth >= max { Err(NoPlace::Full { depth, max }) } else { Ok(None) }
    }

    /// Announces an execution that was just written and puts it into the queue.
    ///
    /// If it never gets there, the sweep finds it.
    pub(crate) async fn queue_accepted(&self, head: &ExecutionHead, reserved: Reserved) {
        let (engine, head) = (self.clone(), head.clone());
        self.tell(async move {
            // Announced before any worker can know of it, so that nobody sees RUNNING before QUEUED.
            engine.announce(&head).await;
            let Reserved { place, client, claimed } = reserved;
            let mut entry = entry(&head);
            if let Some(client) = client {
                entry.flow = flow_of_client(client, &head);
            }
            // Before a worker can take it. A sweep that finds it missing forgets it early, which harms nobody.
            if let Some(claimed) = claimed {
                engine.waiting().enter(head.id, lane(&head), claimed);
            }
            let pushed = match place {
                Some(place) => place.push(entry).await,
                None => engine.queue().push(entry).await,
            };
            engine.note_push(pushed);
        })
        .await;
    }
}
