//! Saves that are gathered and written together.
//!
//! While some saves are being written to disk, the next ones gather. They are then written together, whether they are
//! of one session or of several. The saves of one session keep their order: while some of them are being written, the
//! others wait.

mod queue;

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use runbay_model::SessionId;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio::time::timeout_at;

use self::queue::Batch;
use self::queue::Queue;
use self::queue::Waiting;
use super::SaveSession;
use super::save::DueSave;
use super::save::SaveTry;
use super::save::Saved;
use super::save::save_all;
use crate::StoreError;
use crate::backend::connections::Connections;
use crate::backend::deadline::CALL;
use crate::backend::panics::caught;

/// How long other batches wait for a slow batch. A locked row may hold it up.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long the saves of a locked session wait before they are tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Saves that wait until the earlier ones are written. It is cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WaitingSaves(Arc<Mutex<Queue>>);

impl WaitingSaves {
    /// Makes an empty list. At most `batches` are written at one time, without slow ones.
    pub(crate) fn new(batches: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue::new(batches))))
    }

    /// Adds a save and returns its result.
    pub(super) async fn save(&self, connections: &Connections, save: SaveSession) -> Saved {
        let (caller, answer) = oneshot::channel();
        let until = Instant::now() + CALL;
        self.queue().add(Waiting { due: DueSave { save, until }, caller })?;
        self.start(connections);
        match timeout_at(until, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(StoreError::Closed.into())),
            Err(_) => Err(StoreError::Silent.into()),
        }
    }

    /// Starts a task for the next batch if a further one may be written.
    fn start(&self, connections: &Connections) {
        let next = self.queue().next();
        if let Some(batch) = next {
            tokio::spawn(self.clone().write_all(connections.clone(), batch));
        }
    }

    /// Writes batches until no save is left.
    async fn write_all(self, connections: Connections, first: Batch) {
        let mut next = Some(first);
        while let Some(Batch { sessions, saves }) = next {
            let mut writing = pin!(write(&connections, saves));
            let (locked, aside) = match timeout(PATIENCE, &mut writing).await {
                Ok(locked) => (locked, false),
                Err(_) => {
                    let aside = self.queue().step_aside();
                    if aside {
                        self.start(&connections);
                    }
                    (writing.await, aside)
                }
            };
            let held = {
                let mut queue = self.queue();
                let held = queue.written(sessions, locked, aside);
                next = queue.next();
                held
            };
            if !held.is_empty() {
                tokio::spawn(self.clone().release(connections.clone(), held));
            }
        }
    }

    /// Releases saves of locked sessions after a pause, so that they are tried again.
    async fn release(self, connections: Connections, sessions: Vec<SessionId>) {
        sleep(PAUSE).await;
        self.queue().release(sessions);
        self.start(&connections);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code that holds the lock panics, so poisoning is ignored.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a batch and answers its callers. Returns the saves of locked sessions.
async fn write(connections: &Connections, saves: Vec<Waiting>) -> Vec<Waiting> {
    let now = Instant::now();
    let (due, late): (Vec<_>, Vec<_>) = saves.into_iter().partition(|waiting| waiting.due.until > now);
    late.into_iter().for_each(|Waiting { caller, .. }| send(caller, Err(StoreError::Silent.into())));
    if due.is_empty() {
        return Vec::new();
    }
    let (due, callers): (Vec<_>, Vec<_>) = due.into_iter().map(|Waiting { due, caller }| (due, caller)).unzip();
    let tries = match caught(save_all(connections, due)).await {
        Ok(tries) => tries,
        Err(panic) => {
            callers.into_iter().for_each(|caller| send(caller, Err(panic.clone().into())));
            return Vec::new();
        }
    };
    let mut locked = Vec::new();
    for (caller, tried) in callers.into_iter().zip(tries) {
        match tried {
            SaveTry::Answered(answer) => send(caller, answer),
            SaveTry::Locked(due) => locked.push(Waiting { due: *due, caller }),
        }
    }
    locked
}

fn send(caller: oneshot::Sender<Saved>, answer: Saved) {
    if caller.send(answer).is_err() {
        tracing::trace!("the caller of a save went away");
    }
}
