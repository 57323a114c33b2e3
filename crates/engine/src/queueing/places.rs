//! Places in the queue, and the executions that take them.

use runbay_queue::Place;
use runbay_queue::ReserveError;
use runbay_store::ExecutionHead;
use tokio::time::timeout;

use crate::Engine;
use crate::NoPlace;
use crate::Unavailable;
use crate::outage::Part;
use crate::queueing::entry::entry;
use crate::watch::read::READ_PATIENCE;

impl Engine {
    /// Reserves a place in the queue. Returns none while the queue is away and executions are accepted without it.
    pub(crate) async fn place(&self) -> Result<Option<Box<dyn Place>>, NoPlace> {
        let max = self.settings().queue_max_depth;
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
    pub(crate) async fn queue_accepted(&self, head: &ExecutionHead, place: Option<Box<dyn Place>>) {
        let (engine, head) = (self.clone(), head.clone());
        self.tell(async move {
            // Announced before any worker can know of it, so that nobody sees RUNNING before QUEUED.
            engine.announce(&head).await;
            let entry = entry(&head);
            let pushed = match place {
                Some(place) => place.push(entry).await,
                None => engine.queue().push(entry).await,
            };
            engine.note_push(pushed);
        })
        .await;
    }
}
